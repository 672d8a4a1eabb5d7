use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

const BASE62: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const CAPITALS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Returns random letters, always the same. No token stands in this file for a scanner to find.
fn drawn(letters: &[u8], count: usize) -> String {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(letters[(state >> 33) as usize % letters.len()])
    };
    (0..count).map(|_| letter()).collect()
}

fn base62(count: usize) -> String {
    drawn(BASE62, count)
}

fn found(text: &str) -> Vec<(&'static str, String)> {
    let secrets = Secrets::new().find(text);
    secrets.into_iter().map(|secret| (secret.rule, text[secret.bytes].to_owned())).collect()
}

#[test]
fn every_token_is_found_whole_and_named() {
    let jwt = format!("eyJ{}.eyJ{}.{}", base62(33), base62(60), base62(43));
    let tokens = [
        ("aws_access_key", format!("AKIA{}", drawn(CAPITALS, 16))),
        ("aws_access_key", format!("ASIA{}", drawn(CAPITALS, 16))),
        ("gcp_api_key", format!("AIza{}", base62(35))),
        ("google_oauth", format!("ya29.{}", base62(120))),
        ("google_client_secret", format!("GOCSPX-{}", base62(28))),
        ("github_token", format!("ghp_{}", base62(36))),
        ("github_token", format!("gho_{}", base62(36))),
        ("github_token", format!("ghu_{}", base62(36))),
        ("github_token", format!("ghs_{}", base62(36))),
        ("github_token", format!("ghr_{}", base62(76))),
        ("github_token", format!("github_pat_{}_{}", base62(22), base62(59))),
        ("gitlab_token", format!("glpat-{}", base62(20))),
        ("npm_token", format!("npm_{}", base62(36))),
        ("pypi_token", format!("pypi-AgEIcHlwaS5vcmc{}", base62(120))),
        ("slack_token", format!("xoxb-{}-{}-{}", drawn(b"0123456789", 12), drawn(b"0123456789", 12), base62(24))),
        ("slack_token", format!("xapp-1-{}-{}", drawn(CAPITALS, 11), drawn(HEX, 64))),
        ("slack_webhook", format!("hooks.slack.com/services/T{}/B{}/{}", base62(8), base62(8), base62(24))),
        ("discord_webhook", format!("discord.com/api/webhooks/{}/{}", drawn(b"123456789", 18), base62(68))),
        ("discord_webhook", format!("discordapp.com/api/webhooks/{}/{}", drawn(b"123456789", 18), base62(68))),
        ("stripe_key", format!("sk_live_{}", base62(24))),
        ("stripe_key", format!("rk_live_{}", base62(99))),
        ("stripe_webhook_secret", format!("whsec_{}", base62(32))),
        ("sendgrid_key", format!("SG.{}.{}", base62(22), base62(43))),
        ("model_api_key", format!("sk-{}", base62(48))),
        ("model_api_key", format!("sk-{}", drawn(HEX, 32))),
        ("model_api_key", format!("sk-proj-{}", base62(156))),
        ("model_api_key", format!("sk-ant-api03-{}-{}AA", base62(46), base62(46))),
        ("hugging_face_token", format!("hf_{}", base62(34))),
        ("groq_key", format!("gsk_{}", base62(52))),
        ("xai_key", format!("xai-{}", base62(80))),
        ("digital_ocean_token", format!("dop_v1_{}", drawn(HEX, 64))),
        ("shopify_token", format!("shpat_{}", drawn(HEX, 32))),
        ("databricks_token", format!("dapi{}", drawn(HEX, 32))),
        ("telegram_bot", format!("{}:AA{}", drawn(b"123456789", 10), base62(33))),
        ("jwt", jwt),
    ];
    for (rule, token) in tokens {
        for text in [
            token.clone(),
            format!("It was {token}."),
            format!("export X=\"{token}\"\nnext"),
            format!("é{{'api_key': '{token}'}}"),
            format!("curl -H 'Authorization: Bearer {token}' https://api"),
        ] {
            // `é` is a letter, and still no part of a token; nor is the quote behind it.
            assert_eq!(found(&text), [(rule, token.clone())], "{rule}: {}", text.len());
        }
    }
}

#[test]
fn what_only_resembles_a_token_is_none() {
    for text in [
        format!("xAKIA{}", drawn(CAPITALS, 16)),
        format!("AKIA{}", drawn(CAPITALS, 17)),
        format!("AKIA{}", base62(16)),
        format!("AKIA{}EXAMPLE", drawn(CAPITALS, 9)),
        format!("ghp_{}", "x".repeat(36)),
        format!("ghp_{}", base62(30)),
        format!("hf_{}", "a".repeat(34)),
        "the hf_hub_download_with_a_very_long_name_indeed function".to_owned(),
        "class=\"sk-fading-circle-with-a-very-long-name-2 sk-child\"".to_owned(),
        "desk-based and risk-averse task-forces, disk-images".to_owned(),
        "xoxo, love and kisses".to_owned(),
        "npm_config_registry_of_the_company_proxy".to_owned(),
        format!("eyJ{}.{}", base62(30), base62(30)),
        format!("sk_test_{}", base62(24)),
        format!("12:AA{}", base62(33)),
        "see https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX".to_owned(),
        "https://api.slack.com/docs and https://discord.com/api/webhooks/ids".to_owned(),
    ] {
        assert_eq!(found(&text), [], "{text}");
    }
}

#[test]
fn private_keys_are_found_in_files_in_json_and_in_code_and_public_ones_are_not() {
    let body = format!("{}\n{}\n", base62(64), base62(64));
    let pem = |label: &str| format!("-----{} {label}-----\n{body}-----{} {label}-----", "BEGIN", "END");
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
        let file = pem(label);
        for text in [file.clone(), file.replace('\n', "\\n"), file.replace('\n', "\\n\" +\n  \"")] {
            let found = found(&text);
            assert!(found.len() == 1 && found[0].0 == "private_key" && found[0].1.contains(&base62(64)), "{text}");
        }
    }
    for label in ["PUBLIC KEY", "CERTIFICATE", "RSA PUBLIC KEY", "PGP MESSAGE"] {
        assert_eq!(found(&pem(label)), []);
    }
    let checked = format!("if text.starts_with(\"-----{} PRIVATE KEY-----\") {{ read(text) }}", "BEGIN");
    assert_eq!(found(&checked), []);
    assert_eq!(found(&format!("-----{} PRIVATE KEY-----\n...\n-----{} PRIVATE KEY-----", "BEGIN", "END")), []);
}

#[test]
fn what_is_assigned_to_a_credentials_name_is_found() {
    let key = base62(32);
    let hex = drawn(HEX, 40);
    for text in [
        format!("API_KEY={key}"),
        format!("api-key: {key}\n"),
        format!("apiKey = '{key}'"),
        format!("\"client_secret\": \"{key}\","),
        format!("\\\"accessToken\\\": \\\"{key}\\\""),
        format!("secret => \"{key}\""),
        format!("api_key: str = \"{key}\""),
        format!("const API_KEY: &str = \"{key}\";"),
        format!("config['auth_token'] = `{key}`"),
        format!("<secret>{key}</secret>"),
        format!("https://api.org/v1?access_token={key}&page=2"),
        format!("Authorization: Bearer {key}"),
        format!("\"Authorization\": \"Bearer {key}\""),
        format!("password = \"{key}\""),
    ] {
        let found = found(&text);
        assert!(matches!(&found[..], [(_, value)] if *value == key), "{text}: {found:?}");
    }
    assert_eq!(found(&format!("aws_secret_access_key = {hex}")), [("aws_secret_key", hex.clone())]);
    assert_eq!(found(&format!("SecretAccessKey: \"{hex}\"")), [("aws_secret_key", hex)]);
    let storage = format!("{}==", base62(86));
    let connection = format!("DefaultEndpointsProtocol=https;AccountName=a;AccountKey={storage};EndpointSuffix=x");
    assert_eq!(found(&connection), [("azure_storage_key", base62(86))]);
    let signature = format!("{}%3D", base62(43));
    assert_eq!(
        found(&format!("https://a.blob.core.windows.net/c?sp=r&se=2030-01-01&sig={signature}")),
        [("azure_sas", signature)]
    );
}

#[test]
fn passwords_people_choose_are_found_where_they_are_assigned() {
    for (text, password) in [
        ("password = \"Tr0ub4dor&3\"", "Tr0ub4dor&3"),
        ("DB_PASSWORD=s9!kQz_w2", "s9!kQz_w2"),
        ("passwd: 'hunter22'", "hunter22"),
        ("Server=db;Uid=app;Pwd=k3Jx!92mQ;", "k3Jx!92mQ"),
        ("{\"passphrase\": \"gr8 & strong1\"}", ""),
        ("login_pass: \"n0t-4-you!\"", "n0t-4-you!"),
    ] {
        let found = found(text);
        if password.is_empty() {
            assert_eq!(found, [], "a sentence is no password: {text}");
        } else {
            assert_eq!(found, [("password", password.to_owned())], "{text}");
        }
    }
}

#[test]
fn stand_ins_calls_and_names_are_no_values() {
    let key = base62(32);
    for text in [
        "api_key = \"your-api-key-goes-here-0123\"",
        "API_KEY=<YOUR_API_KEY_123456789>",
        "token: ${GITHUB_TOKEN_FOR_CI_2}",
        "token = \"{{ secrets.TOKEN_2_OF_3 }}\"",
        "password: ********",
        "password = \"changeme123\"",
        "password = \"xxxxxxxx1\"",
        "secret = os.environ[\"SECRET_1\"]",
        "token = get_token_v2(user1)",
        "token = response.json()[\"token\"]",
        "password = user.password2",
        "password=$DB_PASSWORD_1",
        "password: string; token: number = 5",
        "The password: it must have 8 characters and 1 digit.",
        "secret_name = \"prod/db/password-2024-01\"",
        "max_tokens=4096, pad_token=\"<pad>\"",
        "key = \"user:1234:session\"",
        "api_key_id = None",
        "Passwords: see https://wiki.example.org/page2",
        "token_type: bearer",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
    for text in [
        format!("cache_key = \"{key}\""),
        format!("public_key: \"{key}\""),
        format!("next_page_token = \"{key}\""),
        format!("token_hash = \"{key}\""),
        format!("token = make({key})"),
        format!("checksum: {key}"),
        "token: 550e8400-e29b-41d4-a716-446655440000".to_owned(),
    ] {
        assert_eq!(found(&text), [], "{text}");
    }
}

#[test]
fn passwords_in_urls_are_found_unless_they_guard_nothing() {
    assert_eq!(found("postgres://app:s3cr-Qx9@db.acme.io/x"), [("url_password", "s3cr-Qx9".to_owned())]);
    assert_eq!(found("redis://:qT7vLw9z@cache:6379"), [("url_password", "qT7vLw9z".to_owned())]);
    for text in [
        "postgres://postgres:postgres@db:5432/app",
        "postgres://user:password@db.acme.io/x",
        "postgres://app:s3crQx9z@localhost/x",
        "postgres://app:${DB_PASSWORD}@db.acme.io",
        "https://bob@acme.io/path:with@signs",
        "https://acme.io:8443/@user:name",
        "http://user:pass@example.com",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn basic_credentials_are_decoded() {
    // app:Zx81-kq9 and user:password
    assert_eq!(found("Authorization: Basic YXBwOlp4ODEta3E5"), [("basic_auth", "YXBwOlp4ODEta3E5".to_owned())]);
    assert_eq!(found("Authorization: Basic dXNlcjpwYXNzd29yZA=="), []);
    assert_eq!(found("Version: Basic YXBwOlp4ODEta3E5"), []);
    assert_eq!(found("Authorization: Basic authentication"), []);
}

#[test]
fn several_secrets_come_in_order_and_a_token_is_named_by_its_prefix() {
    let (github, key) = (format!("ghp_{}", base62(36)), base62(40));
    let text = format!("password = \"Tr0ub4dor&3\"\ntoken = \"{github}\"\nAPI_KEY={key}");
    let rules: Vec<_> = found(&text).into_iter().map(|(rule, _)| rule).collect();
    assert_eq!(rules, ["password", "github_token", "assigned_credential"]);
    let scores: Vec<_> = Secrets::new().find(&text).iter().map(|secret| secret.score).collect();
    assert_eq!(scores, [0.6, 1.0, 0.7]);
}

/// Texts that keep a careless search busy. The bound is far above the actual time (under 5 ms), and far below the
/// seconds of a search that starts over at every byte.
#[test]
fn the_work_is_linear_in_any_text() {
    let secrets = Secrets::new();
    for seed in [
        "1",
        "@",
        "eyJ",
        "eyJ.",
        "password=",
        "password='",
        "password=\"1a",
        "token=",
        "key:",
        "api_key: a",
        "://",
        "://a:b@",
        "sk-",
        " sk-",
        "ghp_",
        "Authorization: Basic ",
        "Authorization: Bearer a",
        ":AA",
        "1:AA",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "&sig=",
        ":",
        "=",
        ">",
        "_pat_",
        "sl.",
        "dp.st.",
        "\\nsk-",
        "%3Dsk-",
        "sk-your-key-here-and-some-more-words ",
        "fm2_",
        "1-us1",
        "1:AA",
        "key-",
        "EAAA",
        "é=",
        "token:é",
    ] {
        let text = seed.repeat(100_000 / seed.len());
        let start = Instant::now();
        secrets.find(&text);
        assert!(start.elapsed() < Duration::from_millis(200), "{seed:?}: {:?}", start.elapsed());
    }
}

proptest! {
    #[test]
    fn any_text_is_searched_without_a_panic_and_places_are_on_boundaries(parts in prop::collection::vec(
        prop_oneof![
            "\\PC{0,6}",
            prop::sample::select(vec![
                "password", "api_key", "=", ":", "\"", "'", "é", "🦀", "://", "@", "ghp_", "eyJ", ".", "-----BEGIN",
                " PRIVATE KEY", "-----", "Authorization", " Basic ", "Bearer ", ":AA", "sig", "?", "sk-", "\\", "\n", ">",
            ]).prop_map(str::to_owned),
            Just(base62(40)),
        ],
        0..12,
    )) {
        let text = parts.concat();
        let secrets = Secrets::new().find(&text);
        prop_assert!(secrets.is_sorted_by(|left, right| left.bytes.end <= right.bytes.start));
        for secret in secrets {
            prop_assert!(text.get(secret.bytes).is_some_and(|value| !value.is_empty()));
        }
    }
}
