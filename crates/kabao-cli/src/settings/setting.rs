//! The settings, each with its name in the file and in the environment.

/// One setting of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setting {
    /// In `[profiles.NAME]`.
    pub(crate) key: &'static str,
    /// In the environment.
    pub(crate) variable: &'static str,
}

impl Setting {
    pub(crate) const MCHID: Self = Self::named("mchid", "KABAO_MCHID");
    pub(crate) const BRAND: Self = Self::named("brand", "KABAO_BRAND");
    pub(crate) const SERIAL_NO: Self = Self::named("serial_no", "KABAO_SERIAL_NO");
    pub(crate) const PRIVATE_KEY: Self = Self::named("private_key", "KABAO_PRIVATE_KEY");
    /// Optional: proves that serial and key belong together. Without it an
    /// `apiclient_cert.pem` beside the key is looked at.
    pub(crate) const CERTIFICATE: Self = Self::named("certificate", "KABAO_CERTIFICATE");
    pub(crate) const WECHATPAY_PUBLIC_KEY_ID: Self =
        Self::named("wechatpay_public_key_id", "KABAO_WECHATPAY_PUBLIC_KEY_ID");
    pub(crate) const WECHATPAY_PUBLIC_KEY: Self =
        Self::named("wechatpay_public_key", "KABAO_WECHATPAY_PUBLIC_KEY");
    /// A path in the file, the key itself in the environment.
    pub(crate) const APIV3_KEY: Self = Self::named("apiv3_key_file", "KABAO_APIV3_KEY");
    pub(crate) const BASE_URL: Self = Self::named("base_url", "KABAO_BASE_URL");
    /// Optional: a further authority to trust, for `sandbox serve --tls`.
    pub(crate) const ROOT_CERTIFICATE: Self =
        Self::named("root_certificate", "KABAO_ROOT_CERTIFICATE");
    /// Optional: steers a sandbox that asks for it. A path in the file, the token
    /// itself in the environment.
    pub(crate) const CONTROL_TOKEN: Self = Self::named("control_token_file", "KABAO_CONTROL_TOKEN");
    pub(crate) const BRAND_ID: Self = Self::named("brand_id", "KABAO_BRAND_ID");
    pub(crate) const CARD_ID: Self = Self::named("card_id", "KABAO_CARD_ID");
    pub(crate) const OPENID: Self = Self::named("openid", "KABAO_OPENID");

    pub(crate) const ALL: [Self; 14] = [
        Self::MCHID,
        Self::BRAND,
        Self::SERIAL_NO,
        Self::PRIVATE_KEY,
        Self::CERTIFICATE,
        Self::WECHATPAY_PUBLIC_KEY_ID,
        Self::WECHATPAY_PUBLIC_KEY,
        Self::APIV3_KEY,
        Self::BASE_URL,
        Self::ROOT_CERTIFICATE,
        Self::CONTROL_TOKEN,
        Self::BRAND_ID,
        Self::CARD_ID,
        Self::OPENID,
    ];

    /// Those that make sense only with a caller.
    pub(crate) const OF_A_CALLER: [Self; 8] = [
        Self::SERIAL_NO,
        Self::PRIVATE_KEY,
        Self::CERTIFICATE,
        Self::WECHATPAY_PUBLIC_KEY_ID,
        Self::WECHATPAY_PUBLIC_KEY,
        Self::APIV3_KEY,
        Self::BASE_URL,
        Self::ROOT_CERTIFICATE,
    ];

    pub(crate) fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|setting| setting.key == key)
    }

    const fn named(key: &'static str, variable: &'static str) -> Self {
        Self { key, variable }
    }
}
