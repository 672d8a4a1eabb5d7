//! The forms of tokens that their issuers mark: one table, a row for each form.
//!
//! The source stands above the rows: the issuer's page or code that describes the credential. Where it gives the prefix
//! alone, the lengths and letters are those of the tokens that the issuer gives out.
//!
//! No row has a condition that a random token of its form fails. `drawn_tests.rs` draws a thousand tokens for each
//! row, and searches for them. A new issuer is a new row here, and nothing else.

use super::checksum::Checksum;
use super::letters::Letters::{
    self, Base32, Base36, Base62, Base64, Capitals, Digit, Dotted, Hex, Tilde, UrlSafe, Word,
};
use Part::{Between, Exactly, Text};

/// The form of a token: a mark, which is the same in all tokens of the form, and what follows.
#[derive(Debug)]
pub(super) struct Form {
    /// The name of the rule in findings.
    pub(super) rule: &'static str,
    /// The run of letters before the mark, and its lengths, if a token does not begin with its mark.
    pub(super) before: Option<(Letters, usize, usize)>,
    pub(super) mark: &'static str,
    pub(super) after: &'static [Part],
    /// The checksum that the issuer documents.
    pub(super) checksum: Option<Checksum>,
    /// Words of which one must stand near a token, because others use the form, too. Empty: the form is enough.
    pub(super) near: &'static [&'static str],
}

/// A part of a token behind its mark. Lengths are in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Exactly(Letters, usize),
    /// At least, and at most. The part behind it starts with none of these letters.
    Between(Letters, usize, usize),
    Text(&'static str),
}

const fn form(rule: &'static str, mark: &'static str, after: &'static [Part]) -> Form {
    Form { rule, before: None, mark, after, checksum: None, near: &[] }
}

impl Form {
    const fn behind(self, letters: Letters, min: usize, max: usize) -> Self {
        Self { before: Some((letters, min, max)), ..self }
    }

    const fn summed(self, checksum: Checksum) -> Self {
        Self { checksum: Some(checksum), ..self }
    }

    const fn near(self, words: &'static [&'static str]) -> Self {
        Self { near: words, ..self }
    }
}

/// A UUID.
const UUID: &[Part] = &[
    Exactly(Hex, 8),
    Text("-"),
    Exactly(Hex, 4),
    Text("-"),
    Exactly(Hex, 4),
    Text("-"),
    Exactly(Hex, 4),
    Text("-"),
    Exactly(Hex, 12),
];

/// GitLab's tokens: 20 letters or more, or a payload for routing with a checksum behind two dots.
const GITLAB: &[Part] = &[Between(Dotted, 20, 320)];

/// Slack's tokens: numbers of a workspace and an app, and letters.
const SLACK: &[Part] = &[Between(UrlSafe, 15, 250)];

/// Dynatrace's tokens: an id, and a secret.
const DYNATRACE: &[Part] = &[Exactly(Base32, 24), Text("."), Exactly(Base32, 64)];

/// All forms. Of two rows with one mark, the first that fits counts.
#[rustfmt::skip]
pub(super) static FORMS: &[Form] = &[
    // Cloud platforms.
    // Amazon: IAM User Guide, "IAM identifiers"; Amazon Bedrock User Guide, "API keys".
    form("aws_access_key", "AKIA", &[Exactly(Capitals, 16)]),
    form("aws_access_key", "ASIA", &[Exactly(Capitals, 16)]),
    form("aws_access_key", "ABIA", &[Exactly(Capitals, 16)]),
    form("aws_access_key", "ACCA", &[Exactly(Capitals, 16)]),
    form("bedrock_key", "ABSKQmVkcm9ja0FQSUtleS", &[Between(Base64, 60, 300)]),
    form("bedrock_key", "bedrock-api-key-", &[Between(Base64, 100, 4096)]),
    // Google: cloud.google.com, "API keys"; developers.google.com, "Using OAuth 2.0".
    form("gcp_api_key", "AIza", &[Exactly(UrlSafe, 35)]),
    form("google_oauth", "ya29.", &[Between(Dotted, 25, 2043)]),
    form("google_oauth", "1//0", &[Between(UrlSafe, 38, 200)]),
    form("google_client_secret", "GOCSPX-", &[Exactly(UrlSafe, 28)]),
    // Microsoft: learn.microsoft.com/purview, "Azure DevOps personal access token", "Client secret / API key".
    form("azure_devops_token", "AZDO", &[Exactly(Base62, 4)]).behind(Base62, 76, 76),
    form("entra_client_secret", "7Q~", &[Exactly(Tilde, 34)]).behind(Tilde, 3, 3),
    form("entra_client_secret", "8Q~", &[Exactly(Tilde, 34)]).behind(Tilde, 3, 3),
    // Alibaba Cloud and Tencent Cloud: the documentation of their access keys.
    form("alibaba_access_key", "LTAI", &[Between(Base62, 12, 20)]),
    form("tencent_access_key", "AKID", &[Exactly(Base62, 32)]),
    // developers.cloudflare.com/fundamentals/api/get-started/token-formats: 40 letters and a checksum of a method that is
    // not documented; developers.cloudflare.com, "Origin CA keys".
    form("cloudflare_key", "cfk_", &[Between(Base62, 44, 56)]),
    form("cloudflare_token", "cfut_", &[Between(Base62, 44, 56)]),
    form("cloudflare_token", "cfat_", &[Between(Base62, 44, 56)]),
    form("cloudflare_origin_key", "v1.0-", &[Exactly(Hex, 24), Text("-"), Exactly(Hex, 146)]),
    // docs.digitalocean.com, "Personal access tokens", "OAuth API".
    form("digital_ocean_token", "dop_v1_", &[Exactly(Hex, 64)]),
    form("digital_ocean_token", "doo_v1_", &[Exactly(Hex, 64)]),
    form("digital_ocean_token", "dor_v1_", &[Exactly(Hex, 64)]),
    // devcenter.heroku.com, "Platform API".
    form("heroku_key", "HRKU-", UUID),
    form("heroku_key", "HRKU-AA", &[Between(UrlSafe, 56, 60)]),
    // answers.netlify.com, "Change to the Netlify authentication token format": 40 letters as a whole.
    form("netlify_token", "nfp_", &[Exactly(Word, 36)]),
    form("netlify_token", "nfc_", &[Exactly(Word, 36)]),
    form("netlify_token", "nfo_", &[Exactly(Word, 36)]),
    // fly.io/docs, "Access tokens".
    form("fly_token", "fm2_", &[Between(Base64, 100, 4096)]),
    form("fly_token", "fo1_", &[Exactly(UrlSafe, 43)]),
    // api-docs.render.com, "Authentication".
    form("render_key", "rnd_", &[Exactly(Base62, 28)]),

    // Code, builds and packages.
    // github.blog, "Behind GitHub's new authentication token formats"; docs.github.com, "GitHub credential types". The
    // checksum of fine-grained tokens is not documented.
    form("github_token", "ghp_", &[Between(Word, 36, 251)]).summed(Checksum::Base62),
    form("github_token", "gho_", &[Between(Word, 36, 251)]).summed(Checksum::Base62),
    form("github_token", "ghu_", &[Between(Word, 36, 251)]).summed(Checksum::Base62),
    form("github_token", "ghs_", &[Between(Word, 36, 251)]).summed(Checksum::Base62),
    form("github_token", "ghr_", &[Between(Word, 36, 251)]).summed(Checksum::Base62),
    form("github_token", "github_pat_", &[Between(Word, 49, 244)]),
    // docs.gitlab.com/security/tokens, "Token prefixes"; gitlab, lib/authn/token_field/generator/routable_token.rb.
    form("gitlab_token", "glpat-", GITLAB).summed(Checksum::GitLab),
    form("gitlab_token", "gloas-", GITLAB).summed(Checksum::GitLab),
    form("gitlab_token", "gldt-", GITLAB).summed(Checksum::GitLab),
    form("gitlab_token", "glrt-", GITLAB).summed(Checksum::GitLab),
    form("gitlab_token", "glrtr-", GITLAB).summed(Checksum::GitLab),
    form("gitlab_token", "glcbt-", GITLAB).summed(Checksum::GitLab),
    form("gitlab_token", "glptt-", GITLAB).summed(Checksum::GitLab),
    form("gitlab_token", "glft-", GITLAB).summed(Checksum::GitLab),
    form("gitlab_token", "glimt-", GITLAB).summed(Checksum::GitLab),
    form("gitlab_token", "glagent-", GITLAB).summed(Checksum::GitLab),
    form("gitlab_token", "glwt-", GITLAB).summed(Checksum::GitLab),
    form("gitlab_token", "glsoat-", GITLAB).summed(Checksum::GitLab),
    form("gitlab_token", "glffct-", GITLAB).summed(Checksum::GitLab),
    // github.blog, "Announcing npm's new access token format".
    form("npm_token", "npm_", &[Exactly(Base62, 36)]).summed(Checksum::Base62),
    // pypi.org/help, "API tokens": a macaroon in base64.
    form("pypi_token", "pypi-AgE", &[Between(UrlSafe, 77, 504)]),
    // crates.io, src/util/token.rs.
    form("crates_io_token", "cio", &[Exactly(Base62, 32)]),
    // guides.rubygems.org, "API key scopes"; rubygems.org, app/controllers.
    form("rubygems_key", "rubygems_", &[Exactly(Hex, 48)]),
    // learn.microsoft.com/nuget, "Scoped API keys".
    form("nuget_key", "oy2", &[Exactly(Base36, 43)]),
    // github.com/clojars, "Deploy tokens".
    form("clojars_token", "CLOJARS_", &[Exactly(Hex, 60)]),
    // docs.docker.com/security/access-tokens, "Organization access tokens".
    form("docker_token", "dckr_pat_", &[Exactly(UrlSafe, 27)]),
    form("docker_token", "dckr_oat_", &[Between(UrlSafe, 27, 40)]),
    // circleci.com/changelog/new-format-for-api-access-tokens.
    form("circleci_token", "CCIPAT_", &[Between(Base62, 20, 22), Text("_"), Exactly(Hex, 40)]),
    form("circleci_token", "CCIPRJ_", &[Between(Base62, 20, 22), Text("_"), Exactly(Hex, 40)]),
    // buildkite.com/docs/platform/security/tokens.
    form("buildkite_token", "bkua_", &[Between(Word, 40, 90)]),
    form("buildkite_token", "bkaa_", &[Between(Word, 40, 90)]),
    // docs.sonarsource.com, "Managing your tokens": of a project, a user, all projects.
    form("sonar_token", "sqp_", &[Exactly(Hex, 40)]),
    form("sonar_token", "squ_", &[Exactly(Hex, 40)]),
    form("sonar_token", "sqa_", &[Exactly(Hex, 40)]),
    // sourcegraph.com/docs, "Access tokens"; segment.com/docs, "Public API" has another form with the same mark.
    form("sourcegraph_token", "sgp_", &[Exactly(Hex, 16), Text("_"), Exactly(Hex, 40)]),
    form("sourcegraph_token", "sgp_local_", &[Exactly(Hex, 40)]),
    form("segment_token", "sgp_", &[Exactly(Base62, 64)]),
    // jfrog.com/help, "API key", "Reference tokens".
    form("jfrog_key", "AKCp", &[Between(Base62, 60, 80)]),
    form("jfrog_token", "cmVmdGtuOj", &[Between(Base62, 50, 58)]),
    // pulumi.com/docs, "Access tokens".
    form("pulumi_token", "pul-", &[Exactly(Hex, 40)]),
    // developer.hashicorp.com/terraform, "API tokens"; vault, sdk/helper/consts/token_consts.go.
    form("terraform_token", ".atlasv1.", &[Between(UrlSafe, 60, 70)]).behind(Base62, 14, 14),
    form("vault_token", "hvs.", &[Between(UrlSafe, 24, 300)]),
    form("vault_token", "hvb.", &[Between(UrlSafe, 24, 400)]),
    form("vault_token", "hvr.", &[Between(UrlSafe, 24, 300)]),
    // docs.doppler.com, "Token formats".
    form("doppler_token", "dp.pt.", &[Between(Base62, 40, 44)]),
    form("doppler_token", "dp.ct.", &[Between(Base62, 40, 44)]),
    form("doppler_token", "dp.sa.", &[Between(Base62, 40, 44)]),
    form("doppler_token", "dp.scim.", &[Between(Base62, 40, 44)]),
    form("doppler_token", "dp.audit.", &[Between(Base62, 40, 44)]),
    form("doppler_token", "dp.st.", &[Between(Base62, 40, 44)]),
    form("doppler_token", "dp.st.", &[Between(UrlSafe, 2, 35), Text("."), Between(Base62, 40, 44)]),
    // developer.1password.com, "Service accounts": JSON in base64.
    form("one_password_token", "ops_eyJ", &[Between(UrlSafe, 200, 2048)]),
    // github.com/C2SP/C2SP, age.md: Bech32 in capitals.
    form("age_key", "AGE-SECRET-KEY-1", &[Exactly(Capitals, 58)]),
    // tailscale.com/docs/reference/key-prefixes: an id and a secret.
    form("tailscale_key", "tskey-auth-", &[Between(Base62, 8, 32), Text("-"), Between(Base62, 16, 64)]),
    form("tailscale_key", "tskey-api-", &[Between(Base62, 8, 32), Text("-"), Between(Base62, 16, 64)]),
    form("tailscale_key", "tskey-client-", &[Between(Base62, 8, 32), Text("-"), Between(Base62, 16, 64)]),
    form("tailscale_key", "tskey-scim-", &[Between(Base62, 8, 32), Text("-"), Between(Base62, 16, 64)]),
    form("tailscale_key", "tskey-webhook-", &[Between(Base62, 8, 32), Text("-"), Between(Base62, 16, 64)]),
    // docs.redhat.com/openshift, "OAuth access tokens".
    form("openshift_token", "sha256~", &[Exactly(UrlSafe, 43)]),

    // Models and their tools.
    // platform.openai.com, docs.anthropic.com, openrouter.ai/docs, and the many that adopted their form.
    form("model_api_key", "sk-proj-", &[Between(UrlSafe, 40, 250)]),
    form("model_api_key", "sk-svcacct-", &[Between(UrlSafe, 40, 250)]),
    form("model_api_key", "sk-admin-", &[Between(UrlSafe, 40, 250)]),
    form("model_api_key", "sk-ant-", &[Between(UrlSafe, 80, 250)]),
    form("model_api_key", "sk-or-v1-", &[Exactly(Hex, 64)]),
    form("model_api_key", "sk-", &[Between(UrlSafe, 32, 252)]),
    // huggingface.co/docs/hub, "User access tokens".
    form("hugging_face_token", "hf_", &[Between(Base62, 34, 37)]),
    form("hugging_face_token", "api_org_", &[Exactly(Base62, 34)]),
    // The documentation of the APIs: console.groq.com, docs.x.ai, replicate.com, docs.perplexity.ai, build.nvidia.com,
    // inference-docs.cerebras.ai, docs.fireworks.ai, docs.together.ai, elevenlabs.io, jina.ai, docs.tavily.com.
    form("groq_key", "gsk_", &[Between(Base62, 40, 60)]),
    form("xai_key", "xai-", &[Between(Base62, 40, 124)]),
    form("replicate_token", "r8_", &[Exactly(Base62, 37)]),
    form("perplexity_key", "pplx-", &[Between(Base62, 48, 56)]),
    form("nvidia_key", "nvapi-", &[Between(UrlSafe, 60, 70)]),
    form("cerebras_key", "csk-", &[Between(Base62, 40, 60)]),
    form("fireworks_key", "fw_", &[Between(Base62, 22, 32)]),
    form("together_key", "tgp_v1_", &[Exactly(UrlSafe, 43)]),
    form("eleven_labs_key", "sk_", &[Exactly(Hex, 48)]),
    form("jina_key", "jina_", &[Exactly(UrlSafe, 60)]),
    form("tavily_key", "tvly-", &[Between(UrlSafe, 32, 64)]),
    // docs.langchain.com/langsmith, docs.pinecone.io, e2b.dev/docs, docs.firecrawl.dev, docs.prefect.io.
    form("langsmith_key", "lsv2_pt_", &[Exactly(Hex, 32), Text("_"), Exactly(Hex, 10)]),
    form("langsmith_key", "lsv2_sk_", &[Exactly(Hex, 32), Text("_"), Exactly(Hex, 10)]),
    form("pinecone_key", "pcsk_", &[Between(Word, 60, 80)]),
    form("e2b_key", "e2b_", &[Exactly(Hex, 40)]),
    form("firecrawl_key", "fc-", &[Exactly(Hex, 32)]),
    form("prefect_key", "pnu_", &[Exactly(Base62, 36)]),

    // Databases and data.
    // docs.databricks.com, "Personal access tokens".
    form("databricks_token", "dapi", &[Exactly(Hex, 32), Text("-"), Exactly(Digit, 1)]),
    form("databricks_token", "dapi", &[Exactly(Hex, 32)]),
    // supabase.com/docs/guides/getting-started/api-keys; supabase.com/docs, "Management API".
    form("supabase_key", "sb_secret_", &[Exactly(UrlSafe, 22), Text("_"), Exactly(UrlSafe, 8)]),
    form("supabase_token", "sbp_", &[Exactly(Hex, 40)]),
    // planetscale.com/docs, "Service tokens", "Connection strings"; neon.com/docs, "API keys".
    form("planetscale_token", "pscale_tkn_", &[Between(Dotted, 32, 64)]),
    form("planetscale_token", "pscale_oauth_", &[Between(Dotted, 32, 64)]),
    form("planetscale_password", "pscale_pw_", &[Between(Dotted, 32, 64)]),
    form("neon_key", "napi_", &[Between(Base62, 60, 70)]),
    // mongodb.com/docs/atlas, "Service accounts".
    form("mongodb_secret", "mdb_sa_sk_", &[Between(UrlSafe, 36, 60)]),
    // docs.getdbt.com, "Authentication tokens".
    form("dbt_token", "dbtc_", &[Between(UrlSafe, 32, 64)]),
    form("dbt_token", "dbtu_", &[Between(UrlSafe, 32, 64)]),

    // Watching.
    // grafana, pkg/components/satokengen/tokengen.go; grafana.com/docs, "Cloud access policies".
    form("grafana_token", "glsa_", &[Exactly(Base62, 32), Text("_"), Exactly(Hex, 8)]).summed(Checksum::Grafana),
    form("grafana_token", "glc_eyJ", &[Between(Base64, 60, 600)]),
    // sentry, src/sentry/utils/security/orgauthtoken_token.py; docs.sentry.io, "Auth tokens".
    form("sentry_token", "sntrys_eyJ", &[Between(Base64, 60, 600), Text("_"), Exactly(Base64, 43)]),
    form("sentry_token", "sntrys_eyJ", &[Between(Base64, 60, 600), Text("=_"), Exactly(Base64, 43)]),
    form("sentry_token", "sntrys_eyJ", &[Between(Base64, 60, 600), Text("==_"), Exactly(Base64, 43)]),
    form("sentry_token", "sntryu_", &[Exactly(Hex, 64)]),
    // docs.dynatrace.com, "Access tokens": the prefixes and both lengths.
    form("dynatrace_token", "dt0c01.", DYNATRACE),
    form("dynatrace_token", "dt0s01.", DYNATRACE),
    form("dynatrace_token", "dt0s02.", DYNATRACE),
    form("dynatrace_token", "dt0s16.", DYNATRACE),
    // docs.newrelic.com, "New Relic API keys".
    form("new_relic_key", "NRAK-", &[Exactly(Capitals, 27)]),
    form("new_relic_key", "NRAL", &[]).behind(Hex, 36, 36),
    // docs.honeycomb.io/api/authentication: an id and a secret.
    form("honeycomb_key", "hcaik_", &[Exactly(Base36, 58)]),
    form("honeycomb_key", "hcxik_", &[Exactly(Base36, 58)]),
    // posthog.com/docs/api: the personal key; the project's key is public.
    form("posthog_key", "phx_", &[Between(Base62, 40, 50)]),
    // launchdarkly.com/docs, "API access tokens", "Keys".
    form("launchdarkly_key", "sdk-", UUID).near(&["launchdarkly", "launch_darkly", "launch-darkly"]),
    form("launchdarkly_key", "api-", UUID).near(&["launchdarkly", "launch_darkly", "launch-darkly"]),

    // Messages.
    // docs.slack.dev, "Tokens", "Using token rotation", "Incoming webhooks".
    form("slack_token", "xoxb-", SLACK),
    form("slack_token", "xoxp-", SLACK),
    form("slack_token", "xoxa-", SLACK),
    form("slack_token", "xoxr-", SLACK),
    form("slack_token", "xoxs-", SLACK),
    form("slack_token", "xoxc-", SLACK),
    form("slack_token", "xoxe-", SLACK),
    form("slack_token", "xoxe.xoxb-", SLACK),
    form("slack_token", "xoxe.xoxp-", SLACK),
    form("slack_token", "xwfp-", SLACK),
    form("slack_token", "xapp-", &[Between(UrlSafe, 35, 250)]),
    form("slack_webhook", "hooks.slack.com/services/", &[Between(Base62, 6, 16), Text("/"), Between(Base62, 6, 16), Text("/"), Between(Base62, 16, 64)]),
    form("slack_webhook", "hooks.slack.com/workflows/", &[Between(Base62, 6, 16), Text("/"), Between(Base62, 6, 16), Text("/"), Between(Base62, 6, 24), Text("/"), Between(Base62, 16, 64)]),
    form("slack_webhook", "hooks.slack.com/triggers/", &[Between(Base62, 6, 16), Text("/"), Between(Base62, 6, 24), Text("/"), Between(Base62, 16, 64)]),
    // docs.discord.com, "Webhook resource".
    form("discord_webhook", "discord.com/api/webhooks/", &[Between(Digit, 17, 20), Text("/"), Between(UrlSafe, 60, 90)]),
    form("discord_webhook", "discordapp.com/api/webhooks/", &[Between(Digit, 17, 20), Text("/"), Between(UrlSafe, 60, 90)]),
    // core.telegram.org/bots/api, "Authorizing your bot": the id of a bot, and 35 letters.
    form("telegram_bot", ":AA", &[Exactly(UrlSafe, 33)]).behind(Digit, 8, 10),
    // sendgrid.com/docs, "API keys": 69 letters as a whole.
    form("sendgrid_key", "SG.", &[Between(UrlSafe, 20, 24), Text("."), Between(UrlSafe, 40, 46)]),
    // developers.brevo.com, resend.com/docs, documentation.mailgun.com, mailchimp.com/developer, developers.mailersend.com.
    form("brevo_key", "xkeysib-", &[Exactly(Hex, 64), Text("-"), Exactly(Base62, 16)]),
    form("brevo_key", "xsmtpsib-", &[Exactly(Hex, 64), Text("-"), Exactly(Base62, 16)]),
    form("resend_key", "re_", &[Exactly(Base62, 8), Text("_"), Between(Base62, 24, 28)]),
    form("mailgun_key", "key-", &[Exactly(Hex, 32)]).near(&["mailgun"]),
    form("mailchimp_key", "-us", &[Between(Digit, 1, 2)]).behind(Hex, 32, 32),
    form("mailersend_token", "mlsn.", &[Exactly(Hex, 64)]),

    // Payments and shops.
    // docs.stripe.com/keys, docs.stripe.com/webhooks; others have taken over both forms.
    form("stripe_key", "sk_live_", &[Between(Base62, 16, 247)]),
    form("stripe_key", "rk_live_", &[Between(Base62, 16, 247)]),
    form("stripe_webhook_secret", "whsec_", &[Between(Base64, 32, 122)]),
    // shopify.dev/changelog: 38 letters as a whole.
    form("shopify_token", "shpat_", &[Exactly(Hex, 32)]),
    form("shopify_token", "shpca_", &[Exactly(Hex, 32)]),
    form("shopify_token", "shppa_", &[Exactly(Hex, 32)]),
    form("shopify_token", "shpss_", &[Exactly(Hex, 32)]),
    // developer.squareup.com, "Access tokens"; OAuth tokens have 64 letters.
    form("square_token", "sq0atp-", &[Exactly(UrlSafe, 22)]),
    form("square_secret", "sq0csp-", &[Exactly(UrlSafe, 43)]),
    form("square_token", "EAA", &[Text("A"), Exactly(UrlSafe, 60)]).near(&["square"]),
    // developer.paypal.com/braintree, plaid.com/docs, developer.flutterwave.com, docs.goshippo.com, docs.easypost.com,
    // duffel.com/docs.
    form("braintree_token", "access_token$production$", &[Exactly(Base36, 16), Text("$"), Exactly(Hex, 32)]),
    form("plaid_token", "access-production-", UUID),
    form("flutterwave_key", "FLWSECK-", &[Exactly(Base62, 32), Text("-X")]),
    form("shippo_token", "shippo_live_", &[Exactly(Hex, 40)]),
    form("easypost_key", "EZAK", &[Exactly(Base62, 54)]),
    form("duffel_token", "duffel_live_", &[Exactly(UrlSafe, 43)]),

    // Work and content.
    // support.atlassian.com, "Manage API tokens": the length varies.
    form("atlassian_token", "ATATT3", &[Between(UrlSafe, 150, 300), Text("="), Exactly(Hex, 8)]),
    form("atlassian_token", "ATCTT3", &[Between(UrlSafe, 150, 300), Text("="), Exactly(Hex, 8)]),
    form("atlassian_token", "ATBB", &[Between(Base62, 28, 32)]),
    // linear.app/developers, developers.notion.com, developers.figma.com, learning.postman.com, developers.hubspot.com,
    // contentful.com/developers, typeform.com/developers, docs.readme.com, developer.frame.io, wakatime.com/developers.
    form("linear_key", "lin_api_", &[Exactly(Base62, 40)]),
    form("linear_token", "lin_oauth_", &[Between(Base62, 32, 64)]),
    form("notion_token", "ntn_", &[Exactly(Base62, 46)]),
    form("notion_token", "secret_", &[Exactly(Base62, 43)]),
    form("figma_token", "figd_", &[Between(UrlSafe, 38, 48)]),
    form("postman_key", "PMAK-", &[Exactly(Hex, 24), Text("-"), Exactly(Hex, 34)]),
    form("hubspot_token", "pat-na1-", UUID),
    form("hubspot_token", "pat-na2-", UUID),
    form("hubspot_token", "pat-eu1-", UUID),
    form("hubspot_token", "pat-ap1-", UUID),
    form("contentful_token", "CFPAT-", &[Exactly(UrlSafe, 43)]),
    form("typeform_token", "tfp_", &[Between(UrlSafe, 40, 64)]),
    form("readme_key", "rdme_", &[Exactly(Base36, 70)]),
    form("frame_io_token", "fio-u-", &[Exactly(UrlSafe, 64)]),
    form("wakatime_key", "waka_", UUID),
    // developers.facebook.com, "Access tokens"; dropbox.com/developers; docs.mapbox.com, "Access tokens"; lichess.org/api.
    form("meta_token", "EAA", &[Between(Base62, 100, 400)]).near(&["facebook", "instagram", "whatsapp", "fb_"]),
    form("dropbox_token", "sl.", &[Between(Dotted, 130, 2048)]),
    form("mapbox_token", "sk.eyJ", &[Between(UrlSafe, 40, 200), Text("."), Exactly(UrlSafe, 22)]),
    form("lichess_token", "lip_", &[Between(Base62, 16, 40)]),
];
