use crate::store::{ClockSetting, Failure};

impl ClockSetting {
    /// The setting as it is kept.
    pub(in crate::store) fn to_stored(self) -> String {
        match self {
            Self::Running { offset_ms } => format!("running {offset_ms}"),
            Self::Frozen { at } => format!("frozen {at}"),
        }
    }

    /// The setting that is kept; the clock that nobody has set runs in real
    /// time.
    pub(in crate::store) fn from_stored(text: Option<&str>) -> Result<Self, Failure> {
        let Some(text) = text else {
            return Ok(Self::default());
        };
        match text.split_once(' ') {
            Some(("running", offset_ms)) => Ok(Self::Running {
                offset_ms: offset_ms.parse()?,
            }),
            Some(("frozen", at)) => Ok(Self::Frozen { at: at.parse()? }),
            _ => Err(format!("`{text}` is not a clock").into()),
        }
    }
}
