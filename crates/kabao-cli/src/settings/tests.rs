//! Precedence, and every error with the setting it names.

use std::{collections::BTreeMap, path::Path};

use kabao::PrivateKey;

use super::*;

/// A caller's files in a folder of their own, and an environment.
struct World {
    folder: tempfile::TempDir,
    env: BTreeMap<&'static str, String>,
    file: Option<String>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let key = PrivateKey::generate().expect("a key");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("written");
        };
        write("key.pem", &key.to_pkcs8_pem().expect("PEM"));
        write("pub.pem", &key.public_key().to_spki_pem());
        write("apiv3", "0123456789abcdef0123456789abcdef\n");
        let env = BTreeMap::from([("KABAO_DATA_DIR", "/data".to_owned())]);
        Self {
            folder,
            env,
            file: None,
        }
    }

    /// With every variable that a merchant needs.
    fn merchant() -> Self {
        let mut world = Self::new();
        for (name, value) in [
            ("KABAO_MCHID", "1900000001".to_owned()),
            ("KABAO_SERIAL_NO", "4A62".to_owned()),
            ("KABAO_PRIVATE_KEY", world.path("key.pem")),
            ("KABAO_WECHATPAY_PUBLIC_KEY_ID", "PUB_KEY_ID_01".to_owned()),
            ("KABAO_WECHATPAY_PUBLIC_KEY", world.path("pub.pem")),
        ] {
            world.env.insert(name, value);
        }
        world
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn set(mut self, name: &'static str, value: &str) -> Self {
        self.env.insert(name, value.to_owned());
        self
    }

    fn unset(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    fn file(mut self, text: &str) -> Self {
        self.file = Some(text.to_owned());
        self
    }

    fn resolve(&self, flag: Option<&str>) -> Result<Settings, Problem> {
        let env = |name: &str| self.env.get(name).cloned();
        let path = self.folder.path().join("config.toml");
        let file = self
            .file
            .as_deref()
            .map(|text| ConfigFile::parse(&path, text));
        Settings::resolve(flag, &env, file.transpose()?.as_ref())
    }

    fn access(&self, flag: Option<&str>) -> Access {
        match self.resolve(flag).expect("settings").caller {
            Caller::Configured(access) => *access,
            Caller::Embedded { .. } => panic!("the embedded sandbox"),
        }
    }

    fn problem(&self, flag: Option<&str>) -> String {
        self.resolve(flag).expect_err("a problem").to_string()
    }

    fn is_embedded(&self, flag: Option<&str>) -> bool {
        let settings = self.resolve(flag).expect("settings");
        matches!(settings.caller, Caller::Embedded { .. })
    }
}

const SHOP: &str = "
[profiles.shop]
mchid = '1900000002'
serial_no = '00FF'
private_key = 'key.pem'
apiv3_key_file = 'apiv3'
base_url = 'http://127.0.0.1:1'
brand_id = '1005'
card_id = 'from-file'
";

#[test]
fn nothing_set_means_the_embedded_sandbox() {
    let settings = World::new().resolve(None).expect("settings");
    match settings.caller {
        Caller::Embedded { data_dir, .. } => assert_eq!(data_dir, Path::new("/data")),
        Caller::Configured(_) => panic!("a caller from nowhere"),
    }
    assert_eq!(settings.defaults, Defaults::default());
    assert!(World::new().file(SHOP).is_embedded(None));
}

#[test]
fn a_caller_from_the_environment() {
    let access = World::merchant().access(None);
    assert_eq!(access.identity, Identity::Merchant("1900000001".into()));
    assert_eq!(access.serial_no, "4A62");
    assert_eq!(
        access.wechatpay_public_key.expect("a key").id,
        "PUB_KEY_ID_01"
    );
    assert_eq!(access.base_url, None);

    let world = World::merchant()
        .unset("KABAO_MCHID")
        .set("KABAO_BRAND", "1004");
    assert_eq!(world.access(None).identity, Identity::Brand("1004".into()));
}

#[test]
fn a_caller_from_the_file_with_paths_relative_to_it() {
    let world = World::new().file(SHOP);
    let access = world.access(Some("shop"));
    assert_eq!(access.identity, Identity::Merchant("1900000002".into()));
    assert!(access.apiv3_key.is_some() && access.wechatpay_public_key.is_none());
    assert_eq!(access.base_url.as_deref(), Some("http://127.0.0.1:1"));

    let world = World::new().file(SHOP).set("KABAO_PROFILE", "shop");
    assert_eq!(world.access(None).serial_no, "00FF");
    let world = World::new().file(&format!("default_profile = 'shop'\n{SHOP}"));
    assert_eq!(world.access(None).serial_no, "00FF");
}

#[test]
fn flags_come_before_variables_before_the_file() {
    let other = format!("{SHOP}[profiles.other]\nbrand = '7'\n");
    let world = World::new().file(&other).set("KABAO_PROFILE", "other");
    let access = world.access(Some("shop"));
    assert_eq!(access.identity, Identity::Merchant("1900000002".into()));

    let world = World::new()
        .file(SHOP)
        .set("KABAO_SERIAL_NO", "AB")
        .set("KABAO_CARD_ID", "from-env")
        .set("KABAO_OPENID", "");
    assert_eq!(world.access(Some("shop")).serial_no, "AB");
    let defaults = world.resolve(Some("shop")).expect("settings").defaults;
    assert_eq!(defaults.card_id.as_deref(), Some("from-env"));
    assert_eq!(defaults.brand_id.as_deref(), Some("1005"));
    assert_eq!(defaults.openid, None);

    // A variable's caller replaces the file's caller, whichever kind it is.
    let world = World::merchant().file("[profiles.b]\nbrand = '1004'\n");
    let access = world.access(Some("b"));
    assert_eq!(access.identity, Identity::Merchant("1900000001".into()));
}

#[test]
fn the_sandbox_asked_for_by_name_brings_its_own_caller() {
    assert!(World::merchant().is_embedded(Some("sandbox")));
    assert!(
        World::merchant()
            .set("KABAO_PROFILE", "sandbox")
            .is_embedded(None)
    );
    let by_default = World::merchant().file("default_profile = 'sandbox'");
    assert!(!by_default.is_embedded(None));
    let own = World::new().file(&SHOP.replace("shop", "sandbox"));
    assert!(!own.is_embedded(Some("sandbox")));
}

#[test]
fn every_mistake_names_the_setting_and_the_way_to_set_it() {
    let merchant = World::merchant;
    let cases: [(World, &[&str]); 15] = [
        (
            merchant().set("KABAO_BRAND", "1004"),
            &["KABAO_MCHID and KABAO_BRAND"],
        ),
        (
            merchant().unset("KABAO_MCHID"),
            &["no caller", "set KABAO_MCHID", "KABAO_BRAND"],
        ),
        (
            merchant().unset("KABAO_SERIAL_NO"),
            &["serial_no", "set KABAO_SERIAL_NO"],
        ),
        (
            merchant().unset("KABAO_PRIVATE_KEY"),
            &["private_key", "set KABAO_PRIVATE_KEY"],
        ),
        (
            merchant().set("KABAO_PRIVATE_KEY", "/nowhere/key.pem"),
            &["/nowhere/key.pem", "KABAO_PRIVATE_KEY"],
        ),
        (
            merchant().unset("KABAO_WECHATPAY_PUBLIC_KEY"),
            &[
                "an id (KABAO_WECHATPAY_PUBLIC_KEY_ID) but no file",
                "set KABAO_WECHATPAY_PUBLIC_KEY,",
            ],
        ),
        (
            merchant().unset("KABAO_WECHATPAY_PUBLIC_KEY_ID"),
            &["but no id", "set KABAO_WECHATPAY_PUBLIC_KEY_ID"],
        ),
        (
            merchant()
                .unset("KABAO_WECHATPAY_PUBLIC_KEY_ID")
                .unset("KABAO_WECHATPAY_PUBLIC_KEY"),
            &[
                "public key is missing",
                "KABAO_WECHATPAY_PUBLIC_KEY_ID",
                "KABAO_APIV3_KEY",
            ],
        ),
        (
            merchant().set("KABAO_APIV3_KEY", "too-short"),
            &["KABAO_APIV3_KEY", "exactly 32 bytes, this one has 9"],
        ),
        (
            merchant().set("KABAO_PROFILE", "nope"),
            &["no profile `nope`"],
        ),
        (
            merchant().set("KABAO_CERTIFICATE", "/no.pem"),
            &["/no.pem", "KABAO_CERTIFICATE"],
        ),
        (
            merchant().set("KABAO_ROOT_CERTIFICATE", "/no.pem"),
            &["/no.pem"],
        ),
        (
            World::new().set("KABAO_BASE_URL", "http://x"),
            &["KABAO_BASE_URL is set, but no caller"],
        ),
        (
            World::new()
                .set("KABAO_PROFILE", "empty")
                .file("[profiles.empty]\n"),
            &[
                "caller is missing",
                "KABAO_MCHID",
                "`mchid` in [profiles.empty]",
                "config.toml",
            ],
        ),
        (
            World::new().set("KABAO_PROFILE", "nope").file(SHOP),
            &["no profile `nope`", "config.toml has: shop, sandbox"],
        ),
    ];
    for (world, wanted) in cases {
        let problem = world.problem(None);
        for part in wanted {
            assert!(problem.contains(part), "no `{part}` in: {problem}");
        }
        assert!(!problem.contains("too-short"), "a secret: {problem}");
    }
}

#[test]
fn files_that_are_not_what_they_should_be() {
    let world = World::merchant();
    let pub_pem = world.path("pub.pem");
    let problem = world.set("KABAO_PRIVATE_KEY", &pub_pem).problem(None);
    assert!(
        problem.contains("pub.pem") && problem.contains("this is a public key"),
        "{problem}"
    );

    let world = World::merchant();
    let apiv3 = world.path("apiv3");
    let problem = world.set("KABAO_PRIVATE_KEY", &apiv3).problem(None);
    assert!(problem.contains("no PEM section found"), "{problem}");
    assert!(!problem.contains("0123456789abcdef"), "a secret: {problem}");

    let world = World::merchant();
    let key = world.path("key.pem");
    let problem = world.set("KABAO_WECHATPAY_PUBLIC_KEY", &key).problem(None);
    assert!(problem.contains("this is a private key"), "{problem}");

    let world = World::merchant();
    let key = world.path("key.pem");
    let problem = world.set("KABAO_CERTIFICATE", &key).problem(None);
    assert!(problem.contains("no certificate found"), "{problem}");

    let world = World::new().file(&SHOP.replace("'apiv3'", "'key.pem'"));
    let problem = world.problem(Some("shop"));
    assert!(
        problem.contains("`apiv3_key_file` in [profiles.shop]"),
        "{problem}"
    );
    assert!(problem.contains("exactly 32 bytes"), "{problem}");
}

#[test]
fn a_brand_cannot_do_with_an_apiv3_key_alone() {
    let world = World::merchant()
        .unset("KABAO_MCHID")
        .unset("KABAO_WECHATPAY_PUBLIC_KEY_ID")
        .unset("KABAO_WECHATPAY_PUBLIC_KEY")
        .set("KABAO_BRAND", "1004")
        .set("KABAO_APIV3_KEY", "0123456789abcdef0123456789abcdef");
    let problem = world.problem(None);
    assert!(
        problem.contains("KABAO_WECHATPAY_PUBLIC_KEY_ID"),
        "{problem}"
    );
}

#[cfg(unix)]
#[test]
fn keys_that_others_can_read_are_mentioned() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::merchant();
    let key = world.path("key.pem");
    for (mode, expected) in [(0o644, true), (0o600, false)] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).expect("mode");
        let warnings = world.resolve(None).expect("settings").warnings;
        assert_eq!(
            warnings.iter().any(|text| text.contains("key.pem")),
            expected
        );
    }
}
