//! kabao
