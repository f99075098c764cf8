use crate::{
    limits::RateLimits,
    store::{ClockSetting, Failure, KeySettings, Watched},
};

impl Watched {
    /// Takes one of the rows that it is kept in.
    pub(in crate::store) fn take(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        match name {
            "keys" => self.key_version = serde_json::from_str::<KeySettings>(value)?.version,
            "rate_limits" => self.rate_limits = Some(RateLimits::from_stored(value)?),
            "faults" => self.faults = serde_json::from_str(value)?,
            "clock" => self.clock = ClockSetting::from_stored(Some(value))?,
            _ => {}
        }
        Ok(())
    }
}
