use crate::store::{ClockSetting, Failure, Speed};

impl ClockSetting {
    /// The setting as it is kept.
    pub(in crate::store) fn to_stored(self) -> String {
        match self {
            Self::Running { offset_ms } => format!("running {offset_ms}"),
            Self::Sped { speed, since, at } => format!("sped {speed} {since} {at}"),
            Self::Frozen { at, speed } => format!("frozen {at} {speed}"),
        }
    }

    /// The setting that is kept; the clock that nobody has set runs in real
    /// time.
    pub(in crate::store) fn from_stored(text: Option<&str>) -> Result<Self, Failure> {
        let Some(text) = text else {
            return Ok(Self::default());
        };
        let words: Vec<&str> = text.split(' ').collect();
        match words[..] {
            ["running", offset_ms] => Ok(Self::Running {
                offset_ms: offset_ms.parse()?,
            }),
            ["sped", speed, since, at] => Ok(Self::Sped {
                speed: speed.parse()?,
                since: since.parse()?,
                at: at.parse()?,
            }),
            // Older versions forgot how fast it had run.
            ["frozen", at] => Ok(Self::Frozen {
                at: at.parse()?,
                speed: Speed::REAL,
            }),
            ["frozen", at, speed] => Ok(Self::Frozen {
                at: at.parse()?,
                speed: speed.parse()?,
            }),
            _ => Err(format!("`{text}` is not a clock").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_older_versions_kept_is_read_and_nonsense_is_not() {
        let read = |text| ClockSetting::from_stored(Some(text)).map_err(|error| error.to_string());
        assert_eq!(
            read("running -5"),
            Ok(ClockSetting::Running { offset_ms: -5 })
        );
        let at = "2030-05-20T05:29:35.120000001Z"
            .parse()
            .expect("an instant");
        assert_eq!(
            read("frozen 2030-05-20T05:29:35.120000001Z"),
            Ok(ClockSetting::Frozen {
                at,
                speed: Speed::REAL
            })
        );
        for nonsense in [
            "",
            "running",
            "sped 60 soon later",
            "sped 0 1 2",
            "frozen x",
            "frozen 2030-05-20T05:29:35Z 0",
        ] {
            assert!(read(nonsense).is_err(), "{nonsense}");
        }
    }
}
