//! Wrong starts of the exporter.

use super::command_line::Case;
use super::command_line::Content::{Bytes, Folder, Loop, Text};

/// A configuration without a fault, with something more in its only model.
macro_rules! model {
    ($more:literal) => {
        concat!(
            "storage: {path: data}\nmodels:\n  - name: loans\n    task: binary\n    positive_label: 1\n",
            "    reference: reference.csv\n",
            "    reference_columns: {label: repaid, prediction: predicted, score: score, ignore: [id]}\n",
            $more
        )
    };
}

/// A configuration with another reference.
macro_rules! reference {
    ($reference:literal, $columns:literal) => {
        concat!(
            "models:\n  - {name: loans, task: binary, reference: ",
            $reference,
            ", reference_columns: ",
            $columns,
            "}\n"
        )
    };
}

/// All of them.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "nothing_wrong",
        files: &[("exporter.yaml", Text(model!("")))],
        arguments: &["check-config"],
        variables: &[],
        code: 0,
        names: &[],
    },
    Case {
        name: "segments_of_the_reference",
        files: &[("exporter.yaml", Text(model!("    segments: [region, owner]\n")))],
        arguments: &["check-config"],
        variables: &[],
        code: 0,
        names: &["region=north", "owner=true"],
    },
    Case::usage("unknown_flag", &["serve", "--colour=red"], &["--colour"]),
    Case::usage("unknown_subcommand", &["dance"], &["dance"]),
    Case::usage("unknown_log_level", &["serve", "--log.level=loud"], &["--log.level", "loud", "info"]),
    Case::usage(
        "unknown_log_format",
        &["serve", "--log.format=xml"],
        &["--log.format", "xml", "logfmt", "json"],
    ),
    Case::usage("flag_without_value", &["serve", "--config.file"], &["--config.file"]),
    Case::usage("replay_without_data", &["replay"], &["<DATA>"]),
    Case::usage(
        "replay_of_a_negative_speed",
        &["replay", "x.csv", "--url=http://127.0.0.1:1", "--model=m", "--speed=-1"],
        &["--speed"],
    ),
    Case {
        name: "replay_of_a_missing_file",
        files: &[],
        arguments: &["replay", "gone.csv", "--url=http://127.0.0.1:1", "--model=loans", "--prediction=p"],
        variables: &[],
        code: 64,
        names: &["gone.csv"],
    },
    Case {
        name: "listen_address_of_the_flag",
        files: &[("exporter.yaml", Text(model!("")))],
        arguments: &["check-config", "--web.listen-address=nowhere"],
        variables: &[],
        code: 64,
        names: &["--web.listen-address", "HOST:PORT", "nowhere"],
    },
    Case::usage("missing_file", &["check-config", "--config.file=gone.yaml"], &["gone.yaml"]),
    Case::usage("missing_file_when_serving", &["serve"], &["exporter.yaml", "--config.file"]),
    Case::fault("directory", &[("exporter.yaml", Folder)], &["exporter.yaml", "directory", "YAML"]),
    Case::fault("unreadable_file", &[("exporter.yaml", Loop)], &["exporter.yaml", "cannot be read"]),
    Case::fault("binary_file", &[("exporter.yaml", Bytes(b"\xff\xfe\x00"))], &["exporter.yaml", "UTF-8"]),
    Case {
        name: "unknown_extension",
        files: &[("exporter.ini", Text("web=1"))],
        arguments: &["check-config", "--config.file=exporter.ini"],
        variables: &[],
        code: 64,
        names: &["exporter.ini", ".yaml", ".toml", ".json"],
    },
    Case::fault(
        "invalid_yaml",
        &[("exporter.yaml", Text("web: [1\nmodels: 2\n"))],
        &["exporter.yaml", "YAML", "line 2"],
    ),
    Case::fault("empty_file", &[("exporter.yaml", Text(""))], &["exporter.yaml", "models"]),
    Case::fault(
        "unknown_section",
        &[("exporter.yaml", Text(model!("colour: red\n")))],
        &["exporter.yaml", "colour"],
    ),
    Case::fault(
        "unknown_key_of_a_section",
        &[("exporter.yaml", Text(model!("web: {listen: \"127.0.0.1:1\"}\n")))],
        &["exporter.yaml", "web.listen", "listen_address"],
    ),
    Case::fault(
        "unknown_key_of_a_model",
        &[("exporter.yaml", Text(model!("    window: [1h]\n")))],
        &["exporter.yaml", "models[0].window", "windows"],
    ),
    Case::fault(
        "number_where_text_is_expected",
        &[("exporter.yaml", Text("models: [{name: 7, task: binary}]\n"))],
        &["exporter.yaml", "models[0].name", "text", "7"],
    ),
    Case::fault(
        "text_where_a_number_is_expected",
        &[("exporter.yaml", Text(model!("    drift: {min_rows: many}\n")))],
        &["exporter.yaml", "models[0].drift.min_rows", "number", "many"],
    ),
    Case::fault(
        "text_where_a_list_is_expected",
        &[("exporter.yaml", Text(model!("    windows: 1h\n")))],
        &["exporter.yaml", "models[0].windows", "list"],
    ),
    Case::fault(
        "window_that_is_none",
        &[("exporter.yaml", Text(model!("    windows: [1h, soon]\n")))],
        &["exporter.yaml", "models[0].windows[1]", "soon", "1d"],
    ),
    Case::fault(
        "duration_that_is_none",
        &[("exporter.yaml", Text(model!("    labels: {wait: forever}\n")))],
        &["exporter.yaml", "models[0].labels.wait", "forever", "30s"],
    ),
    Case::fault(
        "size_that_is_none",
        &[("exporter.yaml", Text(model!("web: {max_body: huge}\n")))],
        &["exporter.yaml", "web.max_body", "huge", "16MiB"],
    ),
    Case::fault(
        "segment_that_has_no_name",
        &[("exporter.yaml", Text(model!("    segments: [SEX, \"a=b\"]\n")))],
        &["exporter.yaml", "models[0].segments", "`=`"],
    ),
    Case::fault(
        "segment_twice",
        &[("exporter.yaml", Text(model!("    segments: [region, owner, region]\n")))],
        &["exporter.yaml", "models[0].segments", "twice"],
    ),
    Case::fault(
        "no_segments_allowed",
        &[("exporter.yaml", Text(model!("limits: {segments: 0}\n")))],
        &["exporter.yaml", "limits.segments", "1 to 10000"],
    ),
    Case::fault(
        "share_out_of_range",
        &[("exporter.yaml", Text(model!("    drift: {share: 1.5}\n    labels: {min_coverage: 0}\n")))],
        &["exporter.yaml", "models[0].drift.share", "models[0].labels.min_coverage"],
    ),
    Case::fault(
        "budget_too_small",
        &[("exporter.yaml", Text(model!("limits: {series_per_family: 99}\n")))],
        &["exporter.yaml", "limits.series_per_family", "100"],
    ),
    Case::fault(
        "unknown_method",
        &[("exporter.yaml", Text(model!("    drift: {numeric: [astrology]}\n")))],
        &["exporter.yaml", "models[0].drift.numeric[0]", "astrology", "psi"],
    ),
    Case::fault(
        "unknown_task",
        &[("exporter.yaml", Text("models: [{name: loans, task: magic}]\n"))],
        &["exporter.yaml", "models[0].task", "magic", "binary"],
    ),
    Case::fault(
        "unknown_clock",
        &[("exporter.yaml", Text(model!("    clock: sun\n")))],
        &["exporter.yaml", "models[0].clock", "sun", "wall", "event"],
    ),
    Case::fault(
        "faults_in_many_sections",
        &[(
            "exporter.yaml",
            Text(
                "web: {max_body: 1 elephant}\nstorage: {durability: hope}\nlimits: {max_future: 5}\nclock: moon\nmodels: [{name: loans}, 3]\ncolour: red\n",
            ),
        )],
        &["web.max_body", "storage.durability", "limits.max_future", "clock", "models[", "colour"],
    ),
    Case::fault(
        "same_model_twice",
        &[(
            "exporter.yaml",
            Text(
                "models:\n  - &a {name: loans, task: binary, reference: reference.csv, reference_columns: {ignore: [id]}}\n  - *a\n",
            ),
        )],
        &["exporter.yaml", "models[1].name", "loans"],
    ),
    Case::fault(
        "missing_reference",
        &[("exporter.yaml", Text(reference!("gone.parquet", "{}")))],
        &["exporter.yaml", "models[0]", "gone.parquet"],
    ),
    Case::fault(
        "reference_that_is_a_folder",
        &[("exporter.yaml", Text(reference!("folder.csv", "{}"))), ("folder.csv", Folder)],
        &["exporter.yaml", "models[0]", "folder.csv"],
    ),
    Case::fault(
        "reference_that_is_not_parquet",
        &[
            ("exporter.yaml", Text(reference!("broken.parquet", "{}"))),
            ("broken.parquet", Text("no parquet at all")),
        ],
        &["exporter.yaml", "models[0]", "broken.parquet"],
    ),
    Case::fault(
        "reference_of_an_unknown_format",
        &[("exporter.yaml", Text(reference!("rows.xlsx", "{}"))), ("rows.xlsx", Text("x"))],
        &["exporter.yaml", "models[0]", "rows.xlsx", "csv", "parquet"],
    ),
    Case::fault(
        "reference_without_the_column",
        &[("exporter.yaml", Text(reference!("reference.csv", "{label: truth}")))],
        &["exporter.yaml", "models[0]", "reference.csv", "truth"],
    ),
    Case::fault(
        "feature_that_no_reference_has",
        &[("exporter.yaml", Text(model!("    features: {height: {threshold: 0.2}}\n")))],
        &["exporter.yaml", "models[0]", "features.height"],
    ),
    Case::fault(
        "feature_that_is_not_numeric",
        &[("exporter.yaml", Text(model!("    features: {region: {type: numeric}}\n")))],
        &["exporter.yaml", "models[0]", "features.region", "numeric"],
    ),
    Case::fault(
        "variable_that_is_not_set",
        &[(
            "exporter.yaml",
            Text(
                "storage: {path: \"${DATA_FOLDER}/x\"}\nmodels: [{name: loans, task: binary, reference: reference.csv}]\n",
            ),
        )],
        &["exporter.yaml", "storage.path", "DATA_FOLDER"],
    ),
    Case {
        name: "variable_with_a_wrong_value",
        files: &[("exporter.yaml", Text(model!("")))],
        arguments: &["check-config"],
        variables: &[("MODELWATCH_EXPORTER__LIMITS__CLASSES", "many")],
        code: 64,
        names: &["MODELWATCH_EXPORTER__LIMITS__CLASSES", "number"],
    },
    Case {
        name: "variable_without_a_key",
        files: &[("exporter.yaml", Text(model!("")))],
        arguments: &["check-config"],
        variables: &[("MODELWATCH_EXPORTER__STORAGE__COLOUR", "red")],
        code: 64,
        names: &["MODELWATCH_EXPORTER__STORAGE__COLOUR", "path"],
    },
    Case::fault(
        "token_file_that_is_missing",
        &[(
            "exporter.yaml",
            Text(model!("web: {auth: {tokens: [{name: prometheus, file: gone.token, allow: [metrics]}]}}\n")),
        )],
        &["exporter.yaml", "web.auth.tokens[0]", "gone.token"],
    ),
    Case::fault(
        "token_that_may_do_what_nobody_knows",
        &[
            (
                "exporter.yaml",
                Text(model!("web: {auth: {tokens: [{name: prometheus, file: t, allow: [dance]}]}}\n")),
            ),
            ("t", Text("x")),
        ],
        &["exporter.yaml", "web.auth.tokens[0].allow[0]", "dance", "metrics"],
    ),
    Case::fault(
        "variable_that_is_never_closed",
        &[("exporter.yaml", Text(model!("web: {listen_address: \"${HOST\"}\n")))],
        &["exporter.yaml", "web.listen_address"],
    ),
    Case::fault(
        "port_out_of_range",
        &[("exporter.yaml", Text(model!("web: {listen_address: \"127.0.0.1:70000\"}\n")))],
        &["exporter.yaml", "web.listen_address", "HOST:PORT", "70000"],
    ),
    Case {
        name: "invalid_toml",
        files: &[("exporter.toml", Text("models = ["))],
        arguments: &["check-config", "--config.file=exporter.toml"],
        variables: &[],
        code: 64,
        names: &["exporter.toml", "TOML"],
    },
    Case {
        name: "invalid_json",
        files: &[("exporter.json", Text("{\"models\": ["))],
        arguments: &["check-config", "--config.file=exporter.json"],
        variables: &[],
        code: 64,
        names: &["exporter.json", "JSON"],
    },
    Case::fault(
        "positive_label_that_is_a_list",
        &[(
            "exporter.yaml",
            Text("models: [{name: loans, task: binary, positive_label: [1], reference: reference.csv}]\n"),
        )],
        &["exporter.yaml", "models[0]", "positive_label"],
    ),
    Case::fault(
        "baseline_over_one",
        &[("exporter.yaml", Text(model!("    baseline: {accuracy: 85}\n")))],
        &["exporter.yaml", "models[0].baseline"],
    ),
    Case::fault(
        "baseline_of_an_unknown_metric",
        &[("exporter.yaml", Text(model!("    baseline: {luck: 0.5}\n")))],
        &["exporter.yaml", "models[0].baseline", "luck", "accuracy"],
    ),
    Case::fault(
        "window_twice",
        &[("exporter.yaml", Text(model!("    windows: [1d, 24h]\n")))],
        &["exporter.yaml", "models[0].windows", "twice"],
    ),
    Case::fault(
        "no_windows",
        &[("exporter.yaml", Text(model!("    windows: []\n")))],
        &["exporter.yaml", "models[0].windows", "1d"],
    ),
    Case::fault(
        "limit_of_nothing",
        &[("exporter.yaml", Text(model!("limits: {classes: 0, features: 0}\n")))],
        &["exporter.yaml", "limits.classes", "limits.features"],
    ),
    Case::fault(
        "too_many_features",
        &[("exporter.yaml", Text(model!("limits: {features: 1}\n")))],
        &["exporter.yaml", "models[0]", "features"],
    ),
    Case::fault(
        "wait_that_is_too_short",
        &[("exporter.yaml", Text(model!("    labels: {wait: 1s, max_waiting: 0}\n")))],
        &["exporter.yaml", "models[0].labels.wait", "models[0].labels.max_waiting"],
    ),
    Case::usage(
        "replay_to_no_url",
        &["replay", "reference.csv", "--url=nowhere", "--model=loans", "--prediction=predicted"],
        &["nowhere"],
    ),
    Case::usage(
        "replay_of_times_that_end_before_they_begin",
        &[
            "replay",
            "reference.csv",
            "--url=http://127.0.0.1:1",
            "--model=loans",
            "--prediction=predicted",
            "--from=2024-01-02",
            "--to=2024-01-01",
        ],
        &["--from", "--to"],
    ),
    Case::usage(
        "replay_of_a_column_that_is_missing",
        &["replay", "reference.csv", "--url=http://127.0.0.1:1", "--model=loans", "--prediction=said"],
        &["said", "reference.csv"],
    ),
];
