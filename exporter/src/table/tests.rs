use std::io::Write;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Int16Array,
    LargeStringArray, ListArray, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    UInt64Array,
};
use tempfile::TempDir;

use super::*;

fn parquet(directory: &TempDir, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
    let path = directory.path().join("data.parquet");
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

fn file(directory: &TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

/// All cells of some columns, row by row, as text.
fn cells(table: &Table, names: &[&str]) -> Vec<Vec<String>> {
    let selection: Vec<usize> = names.iter().map(|name| table.column(name).unwrap()).collect();
    let mut rows = Vec::new();
    for batch in table.batches(&selection).unwrap() {
        let batch = batch.unwrap();
        for row in 0..batch.rows() {
            rows.push(
                (0..names.len())
                    .map(|column| serde_json::to_string(&batch.cell(column, row)).unwrap())
                    .collect(),
            );
        }
    }
    rows
}

fn kinds(table: &Table) -> Vec<(&str, ColumnKind)> {
    table.columns().iter().map(|column| (&*column.name, column.kind)).collect()
}

fn fault(path: &Path) -> String {
    let error = Table::open(path).unwrap_err().to_string();
    let rest = error.strip_prefix(&path.display().to_string());
    rest.unwrap_or_else(|| panic!("names the file: {error}")).to_owned()
}

#[test]
fn every_kind_of_parquet_column_is_read_as_one_of_four() {
    let directory = tempfile::tempdir().unwrap();
    let dictionary: DictionaryArray<Int8Type> = ["x", "y", "x"].into_iter().collect();
    let path = parquet(
        &directory,
        vec![
            ("whole", Arc::new(Int16Array::from(vec![Some(-1), None, Some(3)]))),
            ("hash", Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1]))),
            ("float", Arc::new(Float32Array::from(vec![0.5, f32::NAN, f32::INFINITY]))),
            (
                "price",
                Arc::new(Decimal128Array::from(vec![1250, 1, -5]).with_precision_and_scale(9, 2).unwrap()),
            ),
            ("key", Arc::new(Decimal128Array::from(vec![7, 8, 9]).with_precision_and_scale(18, 0).unwrap())),
            ("text", Arc::new(StringArray::from(vec![Some("a"), Some(""), None]))),
            ("large", Arc::new(LargeStringArray::from(vec!["é", "b", "c"]))),
            ("code", Arc::new(dictionary)),
            ("flag", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
            ("local", Arc::new(TimestampMillisecondArray::from(vec![1_451_606_400_250, 0, 1]))),
            (
                "zoned",
                Arc::new(TimestampMicrosecondArray::from(vec![0, 1, 2]).with_timezone("Europe/Berlin")),
            ),
            ("day", Arc::new(Date32Array::from(vec![0, 1, 2]))),
        ],
    );
    let table = Table::open(&path).unwrap();
    assert_eq!(table.row_count(), 3);
    use ColumnKind::{Bool, Float, Integer, Text};
    let expected = [Integer, Integer, Float, Float, Integer, Text, Text, Text, Bool, Text, Text, Text];
    assert_eq!(table.columns().iter().map(|column| column.kind).collect::<Vec<_>>(), expected);
    let names: Vec<&str> = table.columns().iter().map(|column| &*column.name).collect();
    let rows = cells(&table, &names);
    assert_eq!(
        rows[0].join(" "),
        r#"-1 18446744073709551615 0.5 12.5 7 "a" "é" "x" true "2016-01-01T00:00:00.250Z" "1970-01-01T00:00:00Z" "1970-01-01""#
    );
    assert_eq!(rows[1][..6].join(" "), r#"null 0 "NaN" 0.01 8 """#);
    assert_eq!(rows[2][..9].join(" "), r#"3 1 "Infinity" -0.05 9 null "c" "x" null"#);
}

#[test]
fn columns_that_are_no_values_are_named_and_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), Some(2)])]);
    let numbers: ArrayRef = Arc::new(Int16Array::from(vec![5]));
    let path =
        parquet(&directory, vec![("embedding", Arc::new(lists)), ("a", numbers.clone()), ("b", numbers)]);
    let table = Table::open(&path).unwrap();
    assert_eq!(table.unreadable_columns(), ["embedding".into()]);
    assert_eq!(kinds(&table), [("a", ColumnKind::Integer), ("b", ColumnKind::Integer)]);
    assert_eq!(cells(&table, &["b", "a"]), [["5", "5"]]);
}

#[test]
fn a_selection_is_read_in_its_own_order_in_batches_of_bounded_size() {
    let directory = tempfile::tempdir().unwrap();
    let mut text = String::from("a,b,c\n");
    for row in 0..20_000 {
        text.push_str(&format!("{row},x{row},{row}.5\n"));
    }
    let table = Table::open(&file(&directory, "data.csv", text.as_bytes())).unwrap();
    assert_eq!(table.row_count(), 20_000);
    let batches: Vec<Batch> = table.batches(&[2, 0, 2]).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(batches.iter().map(Batch::rows).collect::<Vec<_>>(), [8192, 8192, 3616]);
    let last = &batches[2];
    assert_eq!(last.cell(0, 3615), Cell::Float(19_999.5));
    assert_eq!(last.cell(1, 3615), Cell::Integer(19_999));
    assert_eq!(last.value(2, 3615), Value::Number(19_999.5));
}

#[test]
fn csv_columns_are_what_all_of_their_rows_are() {
    let directory = tempfile::tempdir().unwrap();
    let text = "\u{feff}id,late,when,flag,zip,none\n1,1,2018-10-30 18:00:00.000,True,x,\n2,2.5,2018-10-31,false,\"a,b\",\n3,,,,NA,\n";
    let table = Table::open(&file(&directory, "data.csv", text.as_bytes())).unwrap();
    use ColumnKind::{Bool, Float, Integer, Text};
    let expected =
        [("id", Integer), ("late", Float), ("when", Text), ("flag", Bool), ("zip", Text), ("none", Text)];
    assert_eq!(kinds(&table), expected);
    let rows = cells(&table, &["id", "late", "when", "flag", "zip", "none"]);
    assert_eq!(rows[0].join(" "), r#"1 1.0 "2018-10-30 18:00:00.000" true "x" null"#);
    assert_eq!(rows[1].join(" "), r#"2 2.5 "2018-10-31" false "a,b" null"#);
    assert_eq!(rows[2].join(" "), r#"3 null null null "NA" null"#);
}

#[test]
fn gzipped_csv_is_read_through() {
    let directory = tempfile::tempdir().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"a,b\n1,2\n").unwrap();
    let table = Table::open(&file(&directory, "Data.CSV.gz", &gzip.finish().unwrap())).unwrap();
    assert_eq!(cells(&table, &["a", "b"]), [["1", "2"]]);
}

#[test]
fn every_fault_names_the_file_and_what_was_expected() {
    let directory = tempfile::tempdir().unwrap();
    let make = |name: &str, content: &str| file(&directory, name, content.as_bytes());
    let cases = [
        (directory.path().join("missing.parquet"), ": cannot be read: No such file or directory"),
        (directory.path().join("missing.csv"), ": cannot be read: No such file or directory"),
        (make("a.xlsx", "a"), ": unknown extension, expected .parquet, .csv or .csv.gz"),
        (make("a.parquet", "id,x\n1,2\n"), ": is not a valid Parquet file: "),
        (make("empty.parquet", ""), ": is not a valid Parquet file: "),
        (make("empty.csv", ""), ": has no header, expected a first line that names every column"),
        (
            make("header.csv", "a,b\n"),
            ": has no rows, expected at least one under the line that names the columns",
        ),
        (make("data.csv", "1,2\n3,4\n"), ": the first line holds only numbers, expected a first line that"),
        (make("gap.csv", "a,,c\n1,2,3\n"), ": column 2 has no name, expected a first line that"),
        (make("twice.csv", "a,b,a\n1,2,3\n"), ": two columns are named `a`, expected every name once"),
        (make("ragged.csv", "a,b\n1,2\n3\n"), ": is not a valid CSV file: "),
        (make("plain.csv.gz", "name,number\n1,2\n"), ": is not a valid gzip file: invalid gzip header"),
    ];
    for (path, expected) in cases {
        let fault = fault(&path);
        assert!(fault.starts_with(expected), "{fault}");
        assert!(!fault.contains('\n'), "{fault}");
    }
    let ragged = fault(&make("ragged.csv", "a,b\n1,2\n3\n"));
    assert!(ragged.contains("line 3"), "{ragged}");
    let folder = directory.path().join("folder.parquet");
    std::fs::create_dir(&folder).unwrap();
    assert!(fault(&folder).starts_with(": cannot be read: is a directory"), "{}", fault(&folder));
}

#[test]
fn a_column_that_is_not_there_is_answered_with_those_that_are() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, "data.csv", b"a,b\n1,2\n");
    let error = Table::open(&path).unwrap().column("c").unwrap_err();
    assert_eq!(error.to_string(), format!("{}: has no column `c`, expected one of a, b", path.display()));
}
