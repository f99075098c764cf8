//! What the types send and read is what the documentation prints, and nothing of
//! it is lost. Each file of this folder is one operation as documented; what
//! older pages print differently stands in `older.rs`.

mod answers;
mod any;
mod enums;
mod members;
mod older;
mod requests;
mod sample;
mod typed;
