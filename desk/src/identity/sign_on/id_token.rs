//! Checks an ID token: its signature by the provider's keys, and its claims.
//! OpenID Connect Core 1.0, section 3.1.3.7; JWS is RFC 7515, its algorithms RFC 7518.
//!
//! Pure. Only RS256 and ES256: a token that says `none`, or that is signed with a secret that
//! both sides know, is refused whatever it claims.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use model::Instant;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

/// Clocks of the provider and of this machine differ by this much at most.
const SKEW_S: i64 = 60;
/// Longest token that is looked at.
const MAX_TOKEN: usize = 16 * 1024;
const MAX_SUBJECT: usize = 255;

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Keys {
    keys: Vec<JsonKey>,
}

#[derive(Clone, Debug, Deserialize)]
struct JsonKey {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
}

/// What must be true of the claims.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client: &'a str,
    pub nonce: &'a str,
    pub now: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the ID token is malformed")]
    Malformed,
    #[error("the ID token is signed by an algorithm that is not taken")]
    Algorithm,
    #[error("no key of the provider fits the ID token")]
    UnknownKey,
    #[error("the signature of the ID token is wrong")]
    Signature,
    #[error("the ID token is another issuer's")]
    Issuer,
    #[error("the ID token is for somebody else")]
    Audience,
    #[error("the ID token has expired or is from the future")]
    Time,
    #[error("the ID token answers another login")]
    Nonce,
}

/// The claims of a token that is what it should be.
pub fn verify(token: &str, keys: &Keys, expected: &Expected<'_>) -> Result<Value, TokenError> {
    if token.len() > MAX_TOKEN {
        return Err(TokenError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
    let decode = |part: &str| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part);
        bytes.map_err(|_| TokenError::Malformed)
    };
    let header: Header =
        serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Malformed)?;
    let family = match header.alg.as_str() {
        "RS256" => "RSA",
        "ES256" => "EC",
        _ => return Err(TokenError::Algorithm),
    };
    let fits = |key: &&JsonKey| {
        key.kty == family
            && key.usage.as_deref().is_none_or(|u| u == "sig")
            && (header.kid.is_none() || key.kid == header.kid)
    };
    let mut candidates = keys.keys.iter().filter(fits).peekable();
    if candidates.peek().is_none() {
        return Err(TokenError::UnknownKey);
    }
    let signature = decode(signature)?;
    if !candidates.any(|key| key.verifies(signed.as_bytes(), &signature)) {
        return Err(TokenError::Signature);
    }
    let claims = serde_json::from_slice(&decode(payload)?).map_err(|_| TokenError::Malformed)?;
    check(&claims, expected)?;
    Ok(claims)
}

impl JsonKey {
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        if self.kty == "RSA" {
            let key = RsaPublicKeyComponents {
                n: part(&self.n),
                e: part(&self.e),
            };
            let algorithm = &RSA_PKCS1_2048_8192_SHA256;
            return key.verify(algorithm, message, signature).is_ok();
        }
        if self.crv.as_deref() != Some("P-256") {
            return false;
        }
        let mut point = vec![4];
        point.extend(part(&self.x));
        point.extend(part(&self.y));
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        key.verify(message, signature).is_ok()
    }
}

fn check(claims: &Value, expected: &Expected<'_>) -> Result<(), TokenError> {
    if claims["iss"].as_str() != Some(expected.issuer) {
        return Err(TokenError::Issuer);
    }
    let client = Some(expected.client);
    let audience = match &claims["aud"] {
        Value::String(one) => Some(one.as_str()) == client,
        // Of several audiences the authorised party must be us.
        Value::Array(all) => {
            let named = all.iter().any(|a| a.as_str() == client);
            named && (all.len() == 1 || claims["azp"].as_str() == client)
        }
        _ => false,
    };
    if !audience
        || claims["azp"]
            .as_str()
            .is_some_and(|azp| Some(azp) != client)
    {
        return Err(TokenError::Audience);
    }
    let now = expected.now.0.div_euclid(1_000_000);
    let (until, made) = (claims["exp"].as_i64(), claims["iat"].as_i64());
    let fresh = until.is_some_and(|t| t.saturating_add(SKEW_S) > now);
    if !fresh || made.is_none_or(|t| t.saturating_sub(SKEW_S) > now) {
        return Err(TokenError::Time);
    }
    if expected.nonce.is_empty() || claims["nonce"].as_str() != Some(expected.nonce) {
        return Err(TokenError::Nonce);
    }
    let subject = claims["sub"].as_str().unwrap_or_default();
    match !subject.is_empty() && subject.len() <= MAX_SUBJECT {
        true => Ok(()),
        false => Err(TokenError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::json;

    struct Provider {
        pair: EcdsaKeyPair,
        keys: Keys,
    }

    fn provider() -> Provider {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref();
        let text = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
        let keys = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "k", "use": "sig", "x": text(&point[1..33]), "y": text(&point[33..]) }] });
        Provider {
            pair,
            keys: serde_json::from_value(keys).unwrap(),
        }
    }

    impl Provider {
        fn token(&self, header: &Value, claims: &Value) -> String {
            let text = |v: &Value| BASE64_URL_SAFE_NO_PAD.encode(v.to_string());
            let signed = format!("{}.{}", text(header), text(claims));
            let random = SystemRandom::new();
            let signature = self.pair.sign(&random, signed.as_bytes()).unwrap();
            format!(
                "{signed}.{}",
                BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref())
            )
        }
        fn outcome(&self, header: &Value, claims: &Value) -> Result<Value, TokenError> {
            let expected = Expected {
                issuer: "https://idp.example",
                client: "balefire",
                nonce: "n",
                now: Instant::from_secs(1_000),
            };
            verify(&self.token(header, claims), &self.keys, &expected)
        }
    }

    fn claims() -> Value {
        json!({ "iss": "https://idp.example", "aud": "balefire", "sub": "s", "nonce": "n", "iat": 990, "exp": 1_300 })
    }

    #[test]
    fn only_a_whole_token_of_this_login_is_taken() {
        let provider = provider();
        let header = json!({ "alg": "ES256", "kid": "k" });
        assert_eq!(provider.outcome(&header, &claims()).unwrap()["sub"], "s");
        let wrong = [
            ("iss", json!("https://evil.example"), TokenError::Issuer),
            ("aud", json!("another"), TokenError::Audience),
            ("aud", json!(["balefire", "another"]), TokenError::Audience),
            ("azp", json!("another"), TokenError::Audience),
            ("exp", json!(900), TokenError::Time),
            ("exp", json!("never"), TokenError::Time),
            ("iat", json!(2_000), TokenError::Time),
            ("nonce", json!("m"), TokenError::Nonce),
            ("nonce", Value::Null, TokenError::Nonce),
            ("sub", json!(""), TokenError::Malformed),
        ];
        for (name, value, error) in wrong {
            let mut changed = claims();
            changed[name] = value.clone();
            let told = provider.outcome(&header, &changed);
            assert_eq!(told.unwrap_err(), error, "{name} {value}");
        }
        for alg in ["none", "HS256", "RS512"] {
            let told = provider.outcome(&json!({ "alg": alg, "kid": "k" }), &claims());
            assert_eq!(told.unwrap_err(), TokenError::Algorithm);
        }
        let other = json!({ "alg": "ES256", "kid": "other" });
        assert_eq!(
            provider.outcome(&other, &claims()).unwrap_err(),
            TokenError::UnknownKey
        );
    }

    #[test]
    fn a_changed_token_is_refused() {
        let (one, two) = (provider(), provider());
        let header = json!({ "alg": "ES256", "kid": "k" });
        let token = one.token(&header, &claims());
        let expected = Expected {
            issuer: "https://idp.example",
            client: "balefire",
            nonce: "n",
            now: Instant::from_secs(1_000),
        };
        let outcome = |text: &str, keys: &Keys| verify(text, keys, &expected);
        assert!(outcome(&token, &one.keys).is_ok());
        assert_eq!(
            outcome(&token, &two.keys).unwrap_err(),
            TokenError::Signature
        );
        let end = token.rfind('.').unwrap();
        assert!(outcome(&token[..end + 1], &one.keys).is_err());
        assert!(outcome("", &one.keys).is_err());
        assert!(outcome("a.b.c", &one.keys).is_err());
        assert!(outcome(&"a".repeat(MAX_TOKEN + 1), &one.keys).is_err());
    }
}
