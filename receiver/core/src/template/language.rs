//! What the built-in templates say, in the languages they can say it in.
//!
//! Only wording stands here. Labels, annotations and the code in front of every title (`[FIRING:2][DEV]`) are the same in
//! every language, so that people and filters find one message in all channels.

use std::str::FromStr;

use jiff::tz::TimeZone;

/// A language of the built-in templates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Korean.
    Korean,
}

/// How times and words are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Locale {
    /// The language of `{{t "…"}}` and of durations.
    pub language: Language,
    /// Where it is as late as `{{datetime …}}` says, unless it is told another zone.
    pub zone: TimeZone,
}

impl Default for Locale {
    fn default() -> Self {
        Self { language: Language::English, zone: TimeZone::UTC }
    }
}

/// Why a language cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the language `{0}` is not known, expected en or ko")]
pub struct UnknownLanguage(String);

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(code: &str) -> Result<Self, UnknownLanguage> {
        match code {
            "en" => Ok(Self::English),
            "ko" => Ok(Self::Korean),
            other => Err(UnknownLanguage(other.to_owned())),
        }
    }
}

impl Language {
    /// Its ISO 639 code.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// The text of that key, if there is one; `{0}` and so on stand where values go.
    pub fn text(self, key: &str) -> Option<&'static str> {
        let (_, english, korean) = TEXTS.iter().find(|(name, ..)| *name == key)?;
        Some(match self {
            Self::English => english,
            Self::Korean => korean,
        })
    }

    /// The text of that key with `values` in their places; the key itself where there is none.
    pub fn say(self, key: &str, values: &[String]) -> String {
        self.text(key).map_or_else(|| key.to_owned(), |text| fill(text, values))
    }
}

/// The keys of all texts, for whoever mistyped one.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|(key, ..)| *key)
}

/// `text` with each `{N}` replaced once; what stands in a value is never replaced.
fn fill(text: &str, values: &[String]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let place =
            after.split_once('}').and_then(|(number, rest)| Some((number.parse::<usize>().ok()?, rest)));
        let Some((number, after)) = place else {
            filled.push('{');
            rest = after;
            continue;
        };
        filled.push_str(values.get(number).map_or("", String::as_str));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// Key, English, Korean. Reasons and kinds are found by the words that the data has for them.
static TEXTS: &[(&str, &str, &str)] = &[
    ("lang", "en", "ko"),
    ("next", "Next", "다음 조치"),
    ("next_inline", "next", "다음 조치"),
    ("runbook", "Runbook", "런북"),
    ("graph", "Graph", "그래프"),
    ("history", "History", "이력"),
    ("runbook_icon", "📖 Runbook", "📖 런북"),
    ("graph_icon", "📈 Graph", "📈 그래프"),
    ("silence_icon", "🔕 Silence", "🔕 알림 끄기"),
    ("history_icon", "🕘 History", "🕘 이력"),
    ("since", "since {0} ({1})", "{0}부터 ({1})"),
    ("counted", "{0} {1}", "{1} {0}건"),
    ("more", "and {0} more", "외 {0}건"),
    ("more_labels", "and {0} more labels", "외 레이블 {0}개"),
    ("sent_to", "{0} to {1}", "{1} 채널로 보냄 ({0})"),
    ("no_summary", "no summary", "요약 없음"),
    ("no_next", "nothing is said", "지정되지 않음"),
    ("instead_of", "Instead of {0}", "{0} 채널 대신 보냄"),
    ("instead_of_inline", "instead of {0}", "{0} 채널 대신 보냄"),
    ("late", "Late", "지연"),
    ("late_why", "this could not be sent when it happened.", "발생했을 때 보낼 수 없었습니다."),
    ("unconfirmed", "Unconfirmed", "미확인"),
    (
        "unconfirmed_why",
        "it came back with its old start time, so it may be an old copy.",
        "예전 시작 시각으로 다시 왔으므로 오래된 사본일 수 있습니다.",
    ),
    ("flapping", "Flapping", "반복 변동"),
    ("calm", "Calm", "안정"),
    (
        "calm_says",
        "{0} has calmed down: it began or ended {1} times since {2}",
        "{0} 안정됨: {2} 이후 {1}번 시작하거나 끝났습니다",
    ),
    (
        "flaps_says",
        "{0} flaps: it began or ended {1} times since {2}",
        "{0} 반복 변동: {2} 이후 {1}번 시작하거나 끝났습니다",
    ),
    ("flaps_often", "{0} began or ended {1} times since {2}", "{0}: {2} 이후 {1}번 시작하거나 끝났습니다"),
    (
        "not_each_time",
        "Each time is not told any more until it calms down.",
        "안정될 때까지 매번 알리지는 않습니다.",
    ),
    ("left_out", "Alertmanager left out {0} more.", "Alertmanager가 {0}건을 생략했습니다."),
    // what changed, and why a message is sent
    ("new", "new", "신규"),
    ("still firing", "still firing", "계속 발생 중"),
    ("resolved", "resolved", "해소"),
    ("firing", "firing", "발생"),
    ("changed", "changed", "변경"),
    ("repeat", "repeat", "재알림"),
    ("heartbeat", "heartbeat", "하트비트"),
    ("digest", "digest", "요약 보고"),
    ("test", "test", "시험"),
    // why another channel stands in
    (
        "no connection could be made or kept",
        "no connection could be made or kept",
        "연결할 수 없거나 연결이 끊어졌습니다",
    ),
    (
        "the destination did not answer in time",
        "the destination did not answer in time",
        "대상이 제시간에 응답하지 않았습니다",
    ),
    (
        "no secure connection could be made",
        "no secure connection could be made",
        "보안 연결을 맺을 수 없었습니다",
    ),
    (
        "the destination refused our credentials",
        "the destination refused our credentials",
        "대상이 인증 정보를 거부했습니다",
    ),
    (
        "the destination asked us to slow down",
        "the destination asked us to slow down",
        "대상이 전송 속도를 늦추라고 했습니다",
    ),
    (
        "the destination refused the content",
        "the destination refused the content",
        "대상이 내용을 거부했습니다",
    ),
    (
        "the destination found the content too large",
        "the destination found the content too large",
        "내용이 너무 커서 대상이 받지 않았습니다",
    ),
    (
        "the channel, mailbox or address does not exist",
        "the channel, mailbox or address does not exist",
        "채널, 메일함 또는 주소가 없습니다",
    ),
    ("the destination failed", "the destination failed", "대상에서 오류가 났습니다"),
    (
        "the answer was not one the destination's protocol knows",
        "the answer was not one the destination's protocol knows",
        "대상의 응답을 이해할 수 없었습니다",
    ),
    ("the content could not be rendered", "the content could not be rendered", "내용을 만들 수 없었습니다"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::alert::{Change, Kind};
    use crate::outcome::Reason;

    #[test]
    fn every_key_is_there_once_and_has_the_same_places_in_both_languages() {
        let places = |text: &str| (0..10).filter(|n| text.contains(&format!("{{{n}}}"))).collect::<Vec<_>>();
        for (key, english, korean) in TEXTS {
            assert_eq!(places(english), places(korean), "{key}");
        }
        assert_eq!(keys().collect::<BTreeSet<_>>().len(), TEXTS.len());
    }

    #[test]
    fn every_kind_change_and_reason_has_words() {
        let kinds = [
            Kind::New,
            Kind::Changed,
            Kind::Resolved,
            Kind::Repeat,
            Kind::Heartbeat,
            Kind::Digest,
            Kind::Test,
        ];
        let changes = [Change::New, Change::StillFiring, Change::Resolved].map(super::super::view::words);
        let reasons = Reason::ALL.map(Reason::words);
        for key in kinds.map(Kind::as_str).into_iter().chain(changes).chain(reasons) {
            assert!(Language::Korean.text(key).is_some(), "{key}");
            assert_eq!(Language::English.text(key), Some(key));
        }
    }

    #[test]
    fn values_stand_in_their_places_and_are_not_looked_into() {
        let values = ["{1}".to_owned(), "b".to_owned()];
        assert_eq!(fill("a {0} {1} {2} {x} {", &values), "a {1} b  {x} {");
        assert_eq!(Language::Korean.say("counted", &["2".to_owned(), "신규".to_owned()]), "신규 2건");
        assert_eq!(Language::Korean.say("a word of the data", &[]), "a word of the data");
    }

    #[test]
    fn a_language_is_known_by_its_code() {
        for language in [Language::English, Language::Korean] {
            assert_eq!(language.code().parse(), Ok(language));
        }
        let unknown = "de".parse::<Language>().unwrap_err().to_string();
        assert_eq!(unknown, "the language `de` is not known, expected en or ko");
    }
}
