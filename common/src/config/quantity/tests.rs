use super::*;

#[test]
fn durations_are_read_as_people_write_them() {
    let table = [
        ("250ms", 250),
        ("30s", 30_000),
        ("15m", 900_000),
        ("1h30m", 5_400_000),
        ("24h", 86_400_000),
        ("7d", 604_800_000),
        ("2w", 1_209_600_000),
        ("0s", 0),
    ];
    for (text, milliseconds) in table {
        let span: Span = text.parse().unwrap();
        assert_eq!(span.duration(), Duration::from_millis(milliseconds), "{text}");
    }
}

#[test]
fn what_is_no_duration_is_refused_with_an_example() {
    for text in ["", "30", "s", "-5m", "1h-30m", "5 parsecs", "1mo", "1y", "99999999999999999999s"] {
        let error = text.parse::<Span>().unwrap_err().to_string();
        let said = format!("`{text}` is not a duration, expected one such as 30s, 15m, 1h30m or 7d");
        assert_eq!(error, said);
    }
}

#[test]
fn a_duration_prints_as_something_that_reads_as_itself() {
    for text in ["250ms", "30s", "90m", "36h", "7d", "1h30m15s"] {
        let span: Span = text.parse().unwrap();
        assert_eq!(span.to_string().parse(), Ok(span), "{span}");
    }
}

#[test]
fn sizes_are_read_in_powers_of_two_and_of_ten() {
    let table = [
        ("0", 0),
        ("512", 512),
        ("512B", 512),
        ("64KiB", 65_536),
        ("16 MiB", 16 << 20),
        ("1GiB", 1 << 30),
        ("10MB", 10_000_000),
    ];
    for (text, bytes) in table {
        let size: ByteSize = text.parse().unwrap();
        assert_eq!(size.bytes(), bytes, "{text}");
        assert_eq!(size.to_string().parse(), Ok(size), "{size}");
    }
}

#[test]
fn what_is_no_size_is_refused_with_an_example() {
    for text in
        ["", "MiB", "-1", "1.5MiB", "16mib", "16 potatoes", "99999999999999999999", "18446744073709551615KiB"]
    {
        let error = text.parse::<ByteSize>().unwrap_err().to_string();
        assert_eq!(error, format!("`{text}` is not a size, expected one such as 512, 64KiB or 16MiB"));
    }
}

#[test]
fn configuration_holds_durations_as_text_and_sizes_as_text_or_number() {
    assert_eq!(serde_json::from_str::<Span>("\"15m\"").unwrap(), Span::seconds(900));
    assert_eq!(serde_json::from_str::<ByteSize>("\"16MiB\"").unwrap(), ByteSize::mebibytes(16));
    assert_eq!(serde_json::from_str::<ByteSize>("1024").unwrap().bytes(), 1024);
    assert!(serde_json::from_str::<Span>("15").is_err());
    assert!(serde_json::from_str::<ByteSize>("-1").is_err());
    assert_eq!(serde_json::to_string(&ByteSize::mebibytes(16)).unwrap(), "\"16MiB\"");
}
