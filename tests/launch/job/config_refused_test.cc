// Sloppy and hostile configurations. Each row is a small edit of a valid job, or an override of it,
// and the one line that it must give. What a job must be for its models and optimizers is in
// config_test.cc.
#include <gmock/gmock.h>

#include <ostream>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/file.h"
#include "launch/job/load_job.h"

namespace zhiyin::launch::job {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ValuesIn;

// One line a thing, so that messages can be told apart by their line.
constexpr std::string_view kTextJob = R"(name: "shop"
data {
  text { delimiter: "\t" column_name: ["user", "item", "price", "click"] missing: "?" }
  train { file: "a.tsv" first_row: 0 }
}
table {
  name: "ids"
  dim: 4
  optimizer { adam { learning_rate: 0.1 } }
}
field { name: "user" pooling: SUM }
field { name: "item" separator: "|" }
numeric { name: "price" log1p: true }
task {
  name: "click"
  label { equals: "1" }
  binary_cross_entropy {}
}
model { mmoe { n_experts: 2 expert: 8 tower: 4 } }
train {
  epochs: 1
  batch_size: 64
  slices: 4
  seed: 7
  dense_optimizer { sgd { learning_rate: 0.1 } }
}
)";

constexpr std::string_view kGeneratedJob = R"(data {
  generated_ratings { n_rows: 100 }
  train { n_rows: 80 }
  test { first_row: 80 n_rows: 20 }
}
table { name: "all" dim: 1 optimizer { sgd { learning_rate: 1 } } }
field { name: "user_group" }
numeric { name: "user_age" column: "#0" }
task { name: "rating" label { number {} } squared_error {} }
model { linear {} }
train { epochs: 1 batch_size: 10 dense_optimizer { sgd { learning_rate: 1 } } }
)";

std::string LineOf(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    ParseJob(text, "job", "/data", overrides);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

struct Row {
  std::string from;
  std::string to;
  std::string line;
};

void PrintTo(const Row& row, std::ostream* out) {
  *out << "\"" << row.from << "\" -> \"" << row.to << "\"";
}

/// `job` with the row's edit.
std::string Edited(std::string_view job, const Row& row) {
  std::string text(job);
  const size_t at = text.find(row.from);
  EXPECT_NE(at, std::string::npos) << row.from;
  return text.replace(at, row.from.size(), row.to);
}

class TextJob : public ::testing::TestWithParam<Row> {};

TEST_P(TextJob, IsRefusedWithOneLine) {
  EXPECT_EQ(LineOf(Edited(kTextJob, GetParam())), GetParam().line);
}

/// The line of the text job with data.one_pass, trained as that asks for, and an edit.
std::string LineOfOnePass(const Row& edit) {
  std::string text = Edited(kTextJob, {"train { file", "one_pass: true train { file", ""});
  text = Edited(text, {"seed: 7", "seed: 7 staleness: -1", ""});
  text = Edited(text, {"log1p: true", "log1p: true mean: 3 stddev: 2", ""});
  text = Edited(text, {"binary_cross_entropy {}", "binary_cross_entropy {} label_mean: 0.1", ""});
  return LineOf(edit.from.empty() ? text : Edited(text, edit));
}

TEST(OnePass, IsRefusedWhereItCannotBe) {
  EXPECT_EQ(LineOfOnePass({}), "no error");
  const std::string needs =
      "needs statistics of the examples, which a job with data.one_pass does not know before it "
      "trains: expected data.statistics, or these statistics here";
  const std::vector<Row> rows = {
      {"epochs: 1", "epochs: 2",
       "job:4: data.one_pass: is for one epoch, expected train.epochs: 1"},
      {"first_row: 0", "n_rows: 5",
       "job:4: data.one_pass: reads whole files, expected no first_row and no n_rows in "
       "data.train"},
      {"staleness: -1", "staleness: -1 checkpoint { every_steps: 5 }",
       "job:4: data.one_pass: does not know where it stands among all examples, expected no "
       "train.checkpoint"},
      {" mean: 3 stddev: 2", "", "job:13: numeric[price]: " + needs},
      {" label_mean: 0.1", "", "job:14: task[click]: " + needs},
      {"tower: 4 }", "tower: 4 } hidden { normalization: BATCH }",
       "job:4: data.one_pass: does not know which steps are the last ones, of which batch "
       "normalisation keeps the statistics: expected another model.hidden.normalization"}};
  for (const Row& row : rows) EXPECT_EQ(LineOfOnePass(row), row.line) << row.to;
  EXPECT_EQ(LineOfOnePass({"binary_cross_entropy {} label_mean: 0.1", "hinge {}", ""}), "no error");
}

const std::vector<Row> kSyntax = {
    {"epochs: 1", "epochs 1", "job:21: train.epochs: found \"1\", expected \":\""},
    {"epochs: 1", "epochs:", "job:22: train.epochs: found \"batch_size\", expected an integer"},
    {"epochs: 1", "epochs: {", "job:21: train.epochs: found \"{\", expected an integer"},
    {"epochs: 1", "epochs: [1]", "job:21: train.epochs: found \"[\", expected an integer"},
    {"epochs: 1", "epochs: 1 2", "job:21: train: found \"2\", expected a field or \"}\""},
    {"epochs: 1", "epochs: 1,, ", "job:21: train: found \",\", expected a field or \"}\""},
    {"epochs: 1", "epochs: 1 @", "job:21: train: found \"@\", expected a field or \"}\""},
    {"epochs: 1", "epochs: 1x",
     "job:21: train.epochs: cannot be read: Need space between number and identifier."},
    {"epochs: 1", "epochs: 1 知",
     "job:21: train: cannot be read: Interpreting non ascii codepoint 231."},
    {"epochs: 1", "epochs: 1 \x01",
     "job:21: train: cannot be read: Invalid control characters encountered in text."},
    {"name: \"shop\"", "}", "job:1: found \"}\", expected a field"},
    {"  epochs: 1", "  \xef\xbb\xbf",
     "job:21: train: cannot be read: Interpreting non ascii codepoint 239."},
    {"name: \"shop\"", "[foo.bar]: 1", "job:1: found \"[\", expected a field"},
    {"  epochs: 1", "  [foo.bar]: 1", "job:21: train: found \"[\", expected a field or \"}\""},
    {"  epochs: 1", "  [type.googleapis.com/zhiyin.Train] { epochs: 2 }",
     "job:21: train: found \"[\", expected a field or \"}\""},
    {"  epochs: 1", "  1: 1", "job:21: train: found \"1\", expected a field or \"}\""},
    {"sgd { learning_rate: 0.1 } }\n}\n", "sgd { learning_rate: 0.1",
     "job:25: train.dense_optimizer.sgd: found the end, expected a field or \"}\""},
    {"model { mmoe", "model { mmoe <",
     "job:19: model.mmoe: found \"{\", expected a field or \">\""},
    {"model { mmoe {", "model { mmoe: 5 {", "job:19: model.mmoe: found \"5\", expected \"{\""},
    {"expert: 8", "expert: [8, ]",
     "job:19: model.mmoe.expert[1]: found \"]\", expected an integer"},
    {"expert: 8", "expert: [8 9]",
     "job:19: model.mmoe.expert: found \"9\", expected \",\" or \"]\""},
    {"name: \"ids\"", "name: ids",
     "job:7: table[0].name: found \"ids\", expected a text in quotes"},
    {"name: \"ids\"", "name: \"ids",
     "job:7: table[0].name: cannot be read: String literals cannot cross line boundaries."},
    {"name: \"ids\"", "name: \"i\\qds\"",
     "job:7: table[0].name: cannot be read: Invalid escape sequence in string literal."},
    {"\n", "\r", "job:1: a carriage return stands alone, expected a line feed behind it"},
};

const std::vector<Row> kValues = {
    {"pooling: SUM", "pooling: 7",
     "job:11: field[user].pooling: no value \"7\"; known are SUM, MEAN, MAX"},
    {"pooling: SUM", "pooling: 1",
     "job:11: field[user].pooling: no value \"1\"; known are SUM, MEAN, MAX"},
    {"pooling: SUM", "pooling: -1",
     "job:11: field[user].pooling: no value \"-\"; known are SUM, MEAN, MAX"},
    {"pooling: SUM", "pooling: MAEN",
     "job:11: field[user].pooling: no value \"MAEN\"; known are SUM, MEAN, MAX"},
    {"pooling: SUM", "pooling: SUN",
     "job:11: field[user].pooling: no value \"SUN\"; the nearest is \"SUM\""},
    {"pooling: SUM", "pooling: \"SUM\"",
     "job:11: field[user].pooling: no value \"\"SUM\"\"; known are SUM, MEAN, MAX"},
    {"pooling: SUM }\n", "pooling:\nSUMM }\n",
     "job:12: field[user].pooling: no value \"SUMM\"; the nearest is \"SUM\""},
    {"log1p: true", "log1p: yes",
     "job:13: numeric[price].log1p: found \"yes\", expected true or false"},
    {"log1p: true", "log1p: 2",
     "job:13: numeric[price].log1p: found \"2\", expected true or false"},
    {"log1p: true", "log1p: \"true\"",
     "job:13: numeric[price].log1p: found \"true\", expected true or false"},
    {"epochs: 1", "epochs: \"1\"", "job:21: train.epochs: found \"1\", expected an integer"},
    {"epochs: 1", "epochs: 1.5", "job:21: train.epochs: found \"1.5\", expected an integer"},
    {"epochs: 1", "epochs: 1e3", "job:21: train.epochs: found \"1e3\", expected an integer"},
    {"epochs: 1", "epochs: -", "job:22: train.epochs: found \"batch_size\", expected an integer"},
    {"epochs: 1", "epochs: 010",
     "job:21: train.epochs: is 010, expected an integer without a 0 before it"},
    {"epochs: 1", "epochs: 2147483648",
     "job:21: train.epochs: is 2147483648, expected an integer from -2147483648 to 2147483647"},
    {"epochs: 1", "epochs: -99999999999999999999999",
     "job:21: train.epochs: is -99999999999999999999999, expected an integer from -2147483648 to "
     "2147483647"},
    {"epochs: 1", "epochs: -1", "job:21: train.epochs: is -1, expected 1 to 1000000"},
    {"epochs: 1", "epochs: -2147483648",
     "job:21: train.epochs: is -2147483648, expected 1 to 1000000"},
    {"seed: 7", "task_gradients_every: -1",
     "job:24: train.task_gradients_every: is -1, expected 0 to 1073741824"},
    {"seed: 7", "balance { ca_grad { c: 1.5 } }",
     "job:24: train.balance: balances one task, expected two or more"},
    {"seed: 7", "balance { mgda {} }",
     "job:24: train.balance: balances one task, expected two or more"},
    {"seed: 7", "balance { pcgrad {} }",
     "job:24: train.balance: no field \"pcgrad\"; the nearest is \"pc_grad\""},
    {"seed: 7", "seed: -7",
     "job:24: train.seed: is -7, expected an integer from 0 to 18446744073709551615"},
    {"seed: 7", "seed: 18446744073709551616",
     "job:24: train.seed: is 18446744073709551616, expected an integer from 0 to "
     "18446744073709551615"},
    {"first_row: 0", "first_row: 9223372036854775808",
     "job:4: data.train.first_row: is 9223372036854775808, expected an integer from "
     "-9223372036854775808 to "
     "9223372036854775807"},
    {"train { file", "index: \"s3://bucket/index\" train { file",
     "job:4: data.index: is a URL, \"s3://bucket/index\", expected the path of a folder"},
    {"train { file",
     "index: \"x\" behaviour { user: \"user\" item: \"item\" time: \"price\" last: 1 } train { "
     "file",
     "job:4: data.index: data.behaviour is read whole by every job, expected data.index or "
     "data.behaviour"},
    {"train { file", "statistics {} train { file",
     "job:4: data.statistics: says nothing, expected sample_rows or model"},
    {"train { file", "statistics { model: \"\" } train { file",
     "job:4: data.statistics.model: is empty, expected the folder of an earlier job"},
    {"train { file", "statistics { model: \"s3://bucket/out\" } train { file",
     "job:4: data.statistics.model: is \"s3://bucket/out\", which is on s3, expected a path "
     "that this host can open"},
    {"train { file", "statistics { sample_rows: 0 } train { file",
     "job:4: data.statistics.sample_rows: is 0, expected 1 to 281474976710656"},
    {"train { file",
     "statistics { sample_rows: 9 } behaviour { user: \"user\" item: \"item\" time: \"price\" "
     "last: "
     "1 } train { file",
     "job:4: data.statistics.sample_rows: cannot be combined with data.behaviour, which is read "
     "whole by every job"},
    {"train { file: \"a.tsv\" first_row: 0",
     "statistics { sample_rows: 9 } train { file: \"a.tsv\" first_row: 5",
     "job:4: data.statistics.sample_rows: needs all records of its files, expected no first_row "
     "and "
     "no n_rows in data.train: which records these are is not known before all have been counted"},
    {"train { file", "one_pass: true train { file",
     "job:4: data.one_pass: does not know the steps of an epoch, by which workers wait for each "
     "other: expected train.staleness: -1"},
    {"log1p: true", "log1p: true mean: 5",
     "job:13: numeric[price].mean: is given alone, expected mean and stddev"},
    {"log1p: true", "stddev: 5",
     "job:13: numeric[price].stddev: is given alone, expected mean and stddev"},
    {"log1p: true", "standardise: false mean: 5 stddev: 1",
     "job:13: numeric[price].mean: is given for a numeric that is not standardised, expected "
     "standardise: true"},
    {"log1p: true", "mean: 5 stddev: 0",
     "job:13: numeric[price].stddev: is 0, expected 1e-150 to 1e+150"},
    {"binary_cross_entropy {}", "binary_cross_entropy {} label_mean: 1.5",
     "job:17: task[click].label_mean: is 1.5, expected a number from 0 to 1"},
    {"binary_cross_entropy {}", "hinge {} label_mean: 0.5",
     "job:17: task[click].label_mean: means nothing with hinge, whose outputs start at 0"},
    {"binary_cross_entropy {}", "squared_error {} label_mean: 0.5 positive_weight: 2",
     "job:17: task[click].label_mean: does not tell how many labels are 1, expected no "
     "positive_weight beside it"},
    {"first_row: 0", "first_row: -1",
     "job:4: data.train.first_row: is -1, expected 0 to 1152921504606846976"},
    {"adam { learning_rate: 0.1 }", "adam { learning_rate: nan }",
     "job:9: table[ids].optimizer.adam.learning_rate: found \"nan\", expected a finite number"},
    {"adam { learning_rate: 0.1 }", "adam { learning_rate: inf }",
     "job:9: table[ids].optimizer.adam.learning_rate: found \"inf\", expected a finite number"},
    {"adam { learning_rate: 0.1 }", "adam { learning_rate: -Infinity }",
     "job:9: table[ids].optimizer.adam.learning_rate: found \"Infinity\", expected a finite "
     "number"},
    {"adam { learning_rate: 0.1 }", "adam { learning_rate: 1e999 }",
     "job:9: table[ids].optimizer.adam.learning_rate: is 1e999, expected a finite number that a "
     "double can "
     "hold"},
    {"adam { learning_rate: 0.1 }", "adam { learning_rate: 1e-999 }",
     "job:9: table[ids].optimizer.adam.learning_rate: is 1e-999, expected a finite number that a "
     "double can "
     "hold"},
    {"adam { learning_rate: 0.1 }", "adam { learning_rate: 0x10 }",
     "job:9: table[ids].optimizer.adam.learning_rate: is 0x10, expected a decimal number without a "
     "0 before "
     "it"},
    {"adam { learning_rate: 0.1 }", "adam { learning_rate: 0.1f }",
     "job:9: table[ids].optimizer.adam.learning_rate: cannot be read: Need space between number "
     "and "
     "identifier."},
    {"adam { learning_rate: 0.1 }", "adam { learning_rate: 0.1 beta2: nan }",
     "job:9: table[ids].optimizer.adam.beta2: found \"nan\", expected a finite number"},
    {"separator: \"|\"", "bucket: [1, inf]",
     "job:12: field[item].bucket[1]: found \"inf\", expected a finite number"},
    {"binary_cross_entropy {}", "binary_cross_entropy {} weight: nan",
     "job:17: task[click].weight: found \"nan\", expected a finite number"},
    {"equals: \"1\"", "equals: \"\\xff\"",
     "job:16: task[click].label.equals: byte 0 of the value is not UTF-8, expected UTF-8 text"},
};

const std::vector<Row> kTwice = {
    {"epochs: 1", "epochs: 0 epochs: 2", "job:21: train.epochs: is set twice, expected once"},
    {"epochs: 1", "epochs: 1\nepochs: 1", "job:22: train.epochs: is set twice, expected once"},
    {"log1p: true", "log1p: false log1p: false",
     "job:13: numeric[price].log1p: is set twice, expected once"},
    {"pooling: SUM", "pooling: SUM pooling: MEAN",
     "job:11: field[user].pooling: is set twice, expected once"},
    {"name: \"shop\"", "name: \"\" name: \"shop\"", "job:1: name: is set twice, expected once"},
    {"name: \"shop\"", "train {}", "job:20: train: is set twice, expected once"},
    {"adam { learning_rate: 0.1 }", "adam {} adam {}",
     "job:9: table[ids].optimizer.adam: is set twice, expected once"},
    {"adam { learning_rate: 0.1 }", "adam {} sgd {}",
     "job:9: table[ids].optimizer.sgd: cannot be combined with adam, expected one of them"},
    {"equals: \"1\"", "equals: \"\" prefix: \"1\"",
     "job:16: task[click].label.prefix: cannot be combined with equals, expected one of them"},
};

const std::vector<Row> kNames = {
    {"name: \"ids\"", "name: \"i..s\"",
     "job:7: table[0].name: is \"i..s\", expected at most 128 letters, digits, _ and -"},
    {"name: \"ids\"", "name: \"\"", "job:6: table[0]: has no name"},
    {"name: \"ids\"", "name: \"i\\000s\"",
     "job:7: table[0].name: is \"i\\x00s\", expected at most 128 letters, digits, _ and -"},
    {"name: \"user\"", "name: \"us\\ner\"",
     "job:11: field[0].name: is \"us\\ner\", expected at most 128 letters, digits, _ and -"},
    {"name: \"price\"", "name: \"a b\"",
     "job:13: numeric[0].name: is \"a b\", expected at most 128 letters, digits, _ and -"},
    {"name: \"click\"", "name: \"知\"",
     "job:15: task[0].name: is \"知\", expected at most 128 letters, digits, _ and -"},
    {"name: \"click\"", "name: \"click]: x\"",
     "job:15: task[0].name: is \"click]: x\", expected at most 128 letters, digits, _ and -"},
    {"name: \"shop\"", "name: \"a\\nb\"",
     "job:1: name: is \"a\\nb\", expected at most 128 bytes on one line"},
    {"epochs: 1", "ep\xc3\xa9: 1",
     "job:21: train: no field \"ep\"; known are epochs, batch_size, staleness, slices, seed, "
     "dense_optimizer, prefetch, max_gradient, balance, task_gradients_every, early_stopping, "
     "checkpoint, warm_start, start_at_zero, compute"},
};

const std::vector<Row> kMeaning = {
    {"equals: \"1\"", "equals: \"\"",
     "job:16: task[click].label.equals: is \"\", which means a missing value and so no label, "
     "expected "
     "another "
     "text"},
    {"equals: \"1\"", "equals: \"?\"",
     "job:16: task[click].label.equals: is \"?\", which means a missing value and so no label, "
     "expected "
     "another "
     "text"},
    {"equals: \"1\"", "equals: \"1 \"",
     "job:16: task[click].label.equals: begins or ends with a space, which data.text.trim takes "
     "off every "
     "value"},
    {"equals: \"1\"", "prefix: \" 5\"",
     "job:16: task[click].label.prefix: begins with a space, which data.text.trim takes off every "
     "value"},
    {"equals: \"1\"", "prefix: \"\"",
     "job:16: task[click].label.prefix: is empty, expected a text: every value begins with the "
     "empty one"},
    {"file: \"a.tsv\"", "file: \"\"", "job:4: data.train.file[0]: is \"\", expected a file's name"},
    {"file: \"a.tsv\"", "file: [\"a\", \"..\"]",
     "job:4: data.train.file[1]: is \"/\", expected a file's name"},
    {"file: \"a.tsv\"", "file: \"a\\000b\"",
     "job:4: data.train.file[0]: is \"/data/a\\x00b\", expected a file's name"},
    {"delimiter: \"\\t\"", "delimiter: \"\\n\"",
     "job:3: data.text.delimiter: holds a line break, which ends the line"},
    {"delimiter: \"\\t\"", "delimiter: \"\\t\" quote: \"\\n\"",
     "job:3: data.text.quote: is a line break, which ends the line"},
    {"missing: \"?\" }", "libsvm {} }",
     "job:3: data.text.delimiter: is given, and libsvm too: expected it with delimited text or "
     "slots alone"},
    {"delimiter: \"\\t\"", "json_lines {}",
     "job:3: data.text.column_name[0]: is given, and json_lines too: expected it with delimited "
     "text or slots alone"},
    {"missing: \"?\" }", "slots {} header: true }",
     "job:3: data.text.header: is given, and slots too: expected it with delimited text alone"},
    {"missing: \"?\" }", "libffm {} quote: \"\" }",
     "job:3: data.text.quote: is given, and libffm too: expected it with delimited text alone"},
    {"missing: \"?\" }", "slots {} escapes: true }",
     "job:3: data.text.escapes: is given, and slots too: expected it with delimited text alone"},
    {"delimiter: \"\\t\"", "delimiter: \"::\" slots {}",
     "job:3: data.text.delimiter: is \"::\", expected one without the colon, which joins slot and "
     "feasign"},
    {"missing: \"?\" }", "missing: \"?\" } columns {}",
     "job:3: data.columns.n: is 0, expected 1 to 1048576"},
    {"missing: \"?\" }", "missing: \"?\" } columns { n: 2 name: \"user\" }",
     "job:3: data.columns.name: is given 1 times, expected n, 2"},
    {"name: \"item\"", "name: \"item\" column: \"it\\nem\"",
     "job:12: field[item].column: no column \"it\\nem\"; the nearest is \"item\""},
};

const std::string kNetwork = "model { mmoe { n_experts: 2 expert: 8 tower: 4 } }";

/// The job's model with more in it.
std::string With(const std::string& more) {
  return "model { mmoe { n_experts: 2 expert: 8 tower: 4 } " + more + " }";
}

const std::vector<Row> kInteractions = {
    {kNetwork, With("interaction {}"),
     "job:19: model.interaction[0]: has no kind, expected inputs, fm, cross_v1, cross_v2, "
     "cross_mix, senet or auto_int"},
    {kNetwork, With("interaction { cross_v1 {} }"),
     "job:19: model.interaction[0].cross_v1.n_layers: is 0, expected 1 to 64"},
    {kNetwork, With("interaction { inputs {} } interaction { cross_v2 { n_layers: 65 } }"),
     "job:19: model.interaction[1].cross_v2.n_layers: is 65, expected 1 to 64"},
    {kNetwork, With("interaction { cross_mix { n_layers: 0 n_experts: 2 rank: 2 } }"),
     "job:19: model.interaction[0].cross_mix.n_layers: is 0, expected 1 to 64"},
    {kNetwork, With("interaction { cross_mix { n_layers: 1 rank: 2 } }"),
     "job:19: model.interaction[0].cross_mix.n_experts: is 0, expected 1 to 1024"},
    {kNetwork, With("interaction { cross_mix { n_layers: 1 n_experts: 2 } }"),
     "job:19: model.interaction[0].cross_mix.rank: is 0, expected 1 to 9, the columns that the "
     "inputs have"},
    {kNetwork, With("interaction { cross_mix { n_layers: 1 n_experts: 2 rank: 10 } }"),
     "job:19: model.interaction[0].cross_mix.rank: is 10, expected 1 to 9, the columns that the "
     "inputs have"},
    {kNetwork, With("interaction { fm { field: \"user\" field: \"itm\" } }"),
     "job:19: model.interaction[0].fm.field[1]: no field \"itm\"; the nearest is \"item\""},
    {kNetwork, With("interaction { fm { field: \"user\" field: \"user\" } }"),
     "job:19: model.interaction[0].fm.field[1]: \"user\" is named by an earlier one"},
    {kNetwork, With("interaction { fm { field: \"user\" } }"),
     "job:19: model.interaction[0].fm: has 1 fields, expected at least 2"},
    {kNetwork, With("interaction { senet { field: \"usr\" reduction: 1 } }"),
     "job:19: model.interaction[0].senet.field[0]: no field \"usr\"; the nearest is \"user\""},
    {kNetwork, With("interaction { senet {} }"),
     "job:19: model.interaction[0].senet.reduction: is 0, expected 1 to 2"},
    {kNetwork, With("interaction { senet { reduction: 3 } }"),
     "job:19: model.interaction[0].senet.reduction: is 3, expected 1 to 2"},
    {kNetwork, With("interaction { auto_int { n_heads: 2 width: 4 } }"),
     "job:19: model.interaction[0].auto_int.n_layers: is 0, expected 1 to 64"},
    {kNetwork, With("interaction { auto_int { n_layers: 1 width: 4 } }"),
     "job:19: model.interaction[0].auto_int.n_heads: is 0, expected 1 to 1024"},
    {kNetwork, With("interaction { auto_int { n_layers: 1 n_heads: 2 } }"),
     "job:19: model.interaction[0].auto_int.width: is 0, expected 1 to 4096"},
    {kNetwork, With("interaction { auto_int { field: \"user\" field: \"prise\" } }"),
     "job:19: model.interaction[0].auto_int.field[1]: no field \"prise\"; known are user, item"},
    {kNetwork, With("wide {}"), "job:19: model.wide: reads nothing, expected field, numeric or fm"},
    {kNetwork, With("wide { field: \"usr\" }"),
     "job:19: model.wide.field[0]: no field \"usr\"; the nearest is \"user\""},
    {kNetwork, With("wide { field: \"user\" }"),
     "job:19: model.wide.field[0]: table \"ids\" of field \"user\" has dim 4, expected 1: one "
     "weight a task"},
    {kNetwork, With("wide { numeric: \"prize\" }"),
     "job:19: model.wide.numeric[0]: no numeric \"prize\"; the nearest is \"price\""},
    {kNetwork, With("wide { numeric: [\"price\", \"price\"] }"),
     "job:19: model.wide.numeric[1]: \"price\" is named by an earlier one"},
    {kNetwork, With("wide { fm { field: \"user\" } }"),
     "job:19: model.wide.fm: has 1 fields, expected at least 2"},
};

/// A third field, in a table of two weights a row, and a second task: what a wide field needs.
constexpr std::string_view kWideJob = R"(data {
  generated_ratings { n_rows: 100 }
  train { n_rows: 80 }
}
table { name: "ids" dim: 4 optimizer { sgd { learning_rate: 1 } } }
table { name: "weights" dim: 2 optimizer { ftrl { learning_rate: 1 } } }
field { name: "user_group" table: "ids" }
field { name: "item_tags" table: "ids" separator: "|" sequence_length: 3 }
field { name: "item_genre" table: "ids" }
field { name: "item_maker" table: "weights" }
task { name: "rating" label { number {} } squared_error {} }
task { name: "other" label { column: "rating" number {} } squared_error {} }
model { shared_bottom { bottom: 4 } sequence { field: "item_tags" pool {} } wide { field: "item_maker" } }
train { epochs: 1 batch_size: 10 dense_optimizer { sgd { learning_rate: 1 } } }
)";

class WideJob : public ::testing::TestWithParam<Row> {};

TEST_P(WideJob, IsRefusedWithOneLine) {
  EXPECT_EQ(LineOf(std::string(kWideJob)), "no error");
  EXPECT_EQ(LineOf(Edited(kWideJob, GetParam())), GetParam().line);
}

const std::vector<Row> kWide = {
    {"wide { field: \"item_maker\" }", "wide { field: \"item_maker\" field: \"item_maker\" }",
     "job:13: model.wide.field[1]: \"item_maker\" is named by an earlier one"},
    {"wide { field: \"item_maker\" }", "wide { field: \"item_tags\" }",
     "job:13: model.sequence[0].field: \"item_tags\" is a field of model.wide, expected one that "
     "the network reads"},
    {"wide { field: \"item_maker\" }", "wide { field: [\"item_maker\", \"item_genre\"] }",
     "job:13: model.wide.field[1]: table \"ids\" of field \"item_genre\" has dim 4, expected 2: "
     "one weight a task"},
    {"table: \"weights\" }", "table: \"weights\" separator: \"|\" sequence_length: 2 }",
     "job:10: field[item_maker].sequence_length: is given, but nothing reads the sequence, "
     "expected a model.sequence "
     "with this field"},
    {"wide {", "interaction { fm { field: \"user_group\" field: \"item_maker\" } } wide {",
     "job:13: model.interaction[0].fm.field[1]: \"item_maker\" is a field of model.wide, expected "
     "one that the network "
     "reads"},
    {" wide { field: \"item_maker\" }", " interaction { fm {} }",
     "job:13: model.interaction[0].fm: field \"item_maker\" has dim 2, expected that of "
     "\"user_group\", 4"},
    {" wide { field: \"item_maker\" }", " interaction { auto_int {} }",
     "job:13: model.interaction[0].auto_int: field \"item_maker\" has dim 2, expected that of "
     "\"user_group\", 4"},
    {" wide { field: \"item_maker\" }", " wide { fm {} }",
     "job:13: model.wide.fm: field \"item_maker\" has dim 2, expected that of \"user_group\", 4"},
    {"pool {}", "",
     "job:13: model.sequence[0]: has no kind, expected pool, din, attention_pool or bst"},
    {"sequence { field: \"item_tags\" pool {} }", "",
     "job:8: field[item_tags].sequence_length: is given, but nothing reads the sequence, expected "
     "a model.sequence with "
     "this field"},
    {"sequence { field: \"item_tags\" pool {} }",
     "sequence { din { query: \"item_genre\" hidden: 3 } }",
     "job:13: model.sequence[0].field: no field \"\"; known are user_group, item_tags, item_genre, "
     "item_maker"},
    {"field: \"item_tags\" pool {}",
     "field: \"user_group\" din { query: \"item_genre\" hidden: 3 }",
     "job:13: model.sequence[0].field: field \"user_group\" is no sequence, expected one with a "
     "sequence_length"},
    {"pool {}", "din { hidden: 3 }",
     "job:13: model.sequence[0].din.query: is missing, expected the field whose interest in the "
     "values is asked for"},
    {"pool {}", "din { query: \"item_gnere\" hidden: 3 }",
     "job:13: model.sequence[0].din.query: no field \"item_gnere\"; the nearest is \"item_genre\""},
    {"pool {}", "din { query: \"item_tags\" hidden: 3 }",
     "job:13: model.sequence[0].din.query: field \"item_tags\" is a sequence itself, expected one "
     "that is not"},
    {"pool {}", "din { query: \"item_maker\" hidden: 3 }",
     "job:13: model.sequence[0].din.query: \"item_maker\" is a field of model.wide, expected one "
     "that the network reads"},
    {"pool {} } wide { field: \"item_maker\" }", "din { query: \"item_maker\" hidden: 3 } }",
     "job:13: model.sequence[0].din.query: field \"item_maker\" has dim 2, expected that of the "
     "sequence \"item_tags\", "
     "4"},
    {"pool {}", "din { query: \"item_genre\" }",
     "job:13: model.sequence[0].din: hidden has no layer, expected at least 1"},
    {"pool {}", "din { query: \"item_genre\" hidden: 0 }",
     "job:13: model.sequence[0].din.hidden[0]: is 0, expected 1 to 65536"},
    {"pool {}", "attention_pool {}",
     "job:13: model.sequence[0].attention_pool.width: is 0, expected 1 to 65536"},
    {"pool {}", "bst { query: \"item_tags\" n_blocks: 1 n_heads: 1 hidden: 4 }",
     "job:13: model.sequence[0].bst.query: field \"item_tags\" is a sequence itself, expected one "
     "that is not"},
    {"pool {}", "bst { query: \"item_genre\" n_heads: 1 hidden: 4 }",
     "job:13: model.sequence[0].bst.n_blocks: is 0, expected 1 to 64"},
    {"pool {}", "bst { query: \"item_genre\" n_blocks: 1 hidden: 4 }",
     "job:13: model.sequence[0].bst.n_heads: is 0, expected 1 to 1024"},
    {"pool {}", "bst { query: \"item_genre\" n_blocks: 1 n_heads: 3 hidden: 4 }",
     "job:13: model.sequence[0].bst.n_heads: is 3, expected a divisor of the dim of \"item_tags\", "
     "4"},
    {"pool {}", "bst { query: \"item_genre\" n_blocks: 1 n_heads: 2 }",
     "job:13: model.sequence[0].bst.hidden: is 0, expected 1 to 65536"},
};

INSTANTIATE_TEST_SUITE_P(Wide, WideJob, ValuesIn(kWide));

TEST(Refused, AWidePartThatLeavesNothingForTheNetwork) {
  const std::string text =
      Edited(Edited(kGeneratedJob, {"numeric { name: \"user_age\" column: \"#0\" }", "", ""}),
             {"linear {}", "shared_bottom { bottom: 2 } wide { field: \"user_group\" }", ""});
  EXPECT_EQ(LineOf(text),
            "job:10: model.wide.field: takes every input of the job, expected some that the "
            "network reads");
}

INSTANTIATE_TEST_SUITE_P(Interactions, TextJob, ValuesIn(kInteractions));
INSTANTIATE_TEST_SUITE_P(Syntax, TextJob, ValuesIn(kSyntax));
INSTANTIATE_TEST_SUITE_P(Values, TextJob, ValuesIn(kValues));
INSTANTIATE_TEST_SUITE_P(Twice, TextJob, ValuesIn(kTwice));
INSTANTIATE_TEST_SUITE_P(Names, TextJob, ValuesIn(kNames));
INSTANTIATE_TEST_SUITE_P(Meaning, TextJob, ValuesIn(kMeaning));

class GeneratedJob : public ::testing::TestWithParam<Row> {};

TEST_P(GeneratedJob, IsRefusedWithOneLine) {
  EXPECT_EQ(LineOf(Edited(kGeneratedJob, GetParam())), GetParam().line);
}

const std::vector<Row> kGenerated = {
    {"name: \"user_group\"", "name: \"user_gruop\"",
     "job:7: field[user_gruop].column: no column \"user_gruop\"; the nearest is \"user_group\""},
    {"column: \"#0\"", "column: \"#10\"",
     "job:8: numeric[user_age].column: \"#10\": there are 10 columns, numbered from 0"},
    {"name: \"rating\"", "name: \"r\"",
     "job:9: task[r].label.column: no column \"r\"; known are user_age, user_activity, user_group, "
     "user_region, item_age, item_quality, item_genre, item_maker, item_tags, rating"},
    {"train { n_rows: 80 }", "train { n_rows: 101 }",
     "job:3: data.train.n_rows: is 101, expected at most 100, the generated rows from first_row"},
    {"test {", "index: \"x\" test {", "job:4: data.index: generated data is not read from files"},
    {"first_row: 80", "first_row: 81",
     "job:4: data.test.n_rows: is 20, expected at most 19, the generated rows from first_row"},
    {"first_row: 80 n_rows: 20", "first_row: 100",
     "job:4: data.test.first_row: is 100, expected less than data.generated_ratings.n_rows, 100"},
    {"first_row: 80 n_rows: 20", "first_row: 1 n_rows: 1152921504606846976",
     "job:4: data.test.n_rows: is 1152921504606846976, expected at most 99, the generated rows "
     "from "
     "first_row"},
    {"n_rows: 100 }", "n_rows: 100 noise: nan }",
     "job:2: data.generated_ratings.noise: found \"nan\", expected a finite number"},
    {"n_rows: 100 }", "n_rows: 100 noise: -0.5 }",
     "job:2: data.generated_ratings.noise: is -0.5, expected 0 or more"},
    {"n_rows: 80", "file: \"a\"",
     "job:3: data.train.file[0]: generated data is not read from files"},
};

constexpr std::string_view kUniformJob = R"(data {
  generated_uniform { n_rows: 100 n_columns: 2 n_categories: 5 n_labels: 1 }
  train { n_rows: 80 }
}
table { name: "ids" dim: 4 optimizer { sgd { learning_rate: 1 } } }
field { name: "category_1" }
task { name: "label_0" label { number {} } binary_cross_entropy {} }
model { shared_bottom { bottom: 4 } }
train { epochs: 1 batch_size: 10 dense_optimizer { sgd { learning_rate: 1 } } }
)";

class UniformJob : public ::testing::TestWithParam<Row> {};

TEST_P(UniformJob, IsRefusedWithOneLine) {
  EXPECT_EQ(LineOf(Edited(kUniformJob, GetParam())), GetParam().line);
}

const std::vector<Row> kUniform = {
    {"category_1", "category_2",
     "job:6: field[category_2].column: no column \"category_2\"; the nearest is \"category_0\""},
    {"n_rows: 100", "n_rows: 0",
     "job:2: data.generated_uniform.n_rows: is 0, expected 1 to 1099511627776"},
    {"n_columns: 2", "n_columns: 0",
     "job:2: data.generated_uniform.n_columns: is 0, expected 1 to 65536"},
    {"n_columns: 2", "n_columns: 65537",
     "job:2: data.generated_uniform.n_columns: is 65537, expected 1 to 65536"},
    {"n_categories: 5", "n_categories: 0",
     "job:2: data.generated_uniform.n_categories: is 0, expected 1 to 1152921504606846976"},
    {"n_labels: 1", "n_labels: -1",
     "job:2: data.generated_uniform.n_labels: is -1, expected 1 to 1024"},
    {"n_rows: 80", "first_row: 100",
     "job:3: data.train.first_row: is 100, expected less than data.generated_uniform.n_rows, 100"},
    {"n_rows: 80", "file: \"a\"",
     "job:3: data.train.file[0]: generated data is not read from files"},
};

/// Of a second task beside the first. `from` is train.balance, `to` must stay empty.
class BalancedJob : public ::testing::TestWithParam<Row> {};

TEST_P(BalancedJob, IsRefusedWithOneLine) {
  const std::string two = Edited(
      kTextJob,
      {"model {", "task { name: \"price\" label { number {} } squared_error {} } model {", ""});
  EXPECT_EQ(LineOf(Edited(two, {"seed: 7", "balance { " + GetParam().from + " }", ""})),
            GetParam().line);
}

const std::vector<Row> kBalanced = {
    {"mgda {}", "", "no error"},
    {"ca_grad { c: 1.5 }", "", "job:24: train.balance.ca_grad.c: is 1.5, expected 0 to 1"},
    {"ca_grad { c: nan }", "",
     "job:24: train.balance.ca_grad.c: found \"nan\", expected a finite number"},
    {"grad_norm { alpha: -1 }", "",
     "job:24: train.balance.grad_norm.alpha: is -1, expected 0 or more"},
    {"dynamic_weight_average { temperature: 0 }", "",
     "job:24: train.balance.dynamic_weight_average.temperature: is 0, expected a number above 0"},
};

INSTANTIATE_TEST_SUITE_P(Balance, BalancedJob, ValuesIn(kBalanced));

/// `from` is the source, `to` must stay empty.
class PlantedJob : public ::testing::TestWithParam<Row> {};

TEST_P(PlantedJob, IsRefusedWithOneLine) {
  EXPECT_EQ(
      LineOf(Edited(kUniformJob,
                    {"generated_uniform { n_rows: 100 n_columns: 2 n_categories: 5 n_labels: 1 }",
                     GetParam().from, ""})),
      GetParam().line);
}

const std::vector<Row> kPlanted = {
    {"generated_related_tasks { n_rows: 0 }", "",
     "job:2: data.generated_related_tasks.n_rows: is 0, expected 1 to 1099511627776"},
    {"generated_related_tasks { n_rows: 100 n_features: 1 }", "",
     "job:2: data.generated_related_tasks.n_features: is 1, expected 2 to 65536"},
    {"generated_related_tasks { n_rows: 100 correlation: -1.5 }", "",
     "job:2: data.generated_related_tasks.correlation: is -1.5, expected -1 to 1"},
    {"generated_related_tasks { n_rows: 100 scale: 0 }", "",
     "job:2: data.generated_related_tasks.scale: is 0, expected a number above 0"},
    {"generated_related_tasks { n_rows: 100 n_sines: -1 }", "",
     "job:2: data.generated_related_tasks.n_sines: is -1, expected 0 to 1000"},
    {"generated_related_tasks { n_rows: 100 noise: -1 }", "",
     "job:2: data.generated_related_tasks.noise: is -1, expected 0 or more"},
    {"generated_funnel { n_rows: 100 n_steps: 1 }", "",
     "job:2: data.generated_funnel.n_steps: is 1, expected 2 to 8"},
    {"generated_funnel { n_rows: 100 n_users: 0 }", "",
     "job:2: data.generated_funnel.n_users: is 0, expected 1 to 1073741824"},
    {"generated_funnel { n_rows: 100 n_items: 0 }", "",
     "job:2: data.generated_funnel.n_items: is 0, expected 1 to 1073741824"},
    {"generated_funnel { n_rows: 100 n_logged: 101 }", "",
     "job:2: data.generated_funnel.n_logged: is 101, expected 0 to 100"},
    {"generated_funnel { n_rows: 100 }", "",
     "job:6: field[category_1].column: no column \"category_1\"; known are user, item, step_1, "
     "step_2, after_2, p_1, p_2"},
};

INSTANTIATE_TEST_SUITE_P(Columns, PlantedJob, ValuesIn(kPlanted));
INSTANTIATE_TEST_SUITE_P(Columns, GeneratedJob, ValuesIn(kGenerated));
INSTANTIATE_TEST_SUITE_P(Columns, UniformJob, ValuesIn(kUniform));

/// `from` is an override, `to` a second one or empty.
class Overridden : public ::testing::TestWithParam<Row> {};

TEST_P(Overridden, IsRefusedWithOneLine) {
  std::vector<std::string> overrides = {GetParam().from};
  if (!GetParam().to.empty()) overrides.push_back(GetParam().to);
  EXPECT_EQ(LineOf(std::string(kTextJob), overrides), GetParam().line);
}

const std::vector<Row> kOverrides = {
    {"train.epochs=3 slices: 8", "",
     "--set train.epochs=3 slices: 8: train.epochs: found \"slices\", expected the end"},
    {"train.epochs=3\nslices: 8", "",
     "--set train.epochs=3\\nslices: 8: train.epochs: found \"slices\", expected the end"},
    {"train.epochs=", "", "--set train.epochs=: train.epochs: found the end, expected an integer"},
    {"train.epochs=3 # three", "train.slices=x",
     "--set train.slices=x: train.slices: found \"x\", expected an integer"},
    {"train.epochs=nan", "",
     "--set train.epochs=nan: train.epochs: found \"nan\", expected an integer"},
    {"task[click].weight=inf", "",
     "--set task[click].weight=inf: task[click].weight: found \"inf\", expected a finite number"},
    {"task[click].weight=-1", "",
     "--set task[click].weight=-1: task[click].weight: is -1, expected 0 or more"},
    {"field[user].pooling=7", "",
     "--set field[user].pooling=7: field[user].pooling: no value \"7\"; known are SUM, MEAN, MAX"},
    {"name=a\nb", "",
     "--set name=a\\nb: name: cannot be read: String literals cannot cross line boundaries."},
    {"name=\"a\" seed: \"b\"", "",
     "--set name=\"a\" seed: \"b\": name: found \"seed\", expected the end"},
    {"name=a\\", "", "--set name=a\\: name: cannot be read: Unexpected end of string."},
    {"name=\xff", "",
     "--set name=\\xff: name: byte 0 of the value is not UTF-8, expected UTF-8 text"},
    {"ta\nble=3", "", "--set ta\\nble=3: no field \"ta\\nble\"; the nearest is \"table\""},
    {"train.=3", "",
     "--set train.=3: no field \"\"; known are epochs, batch_size, staleness, slices, seed, "
     "dense_optimizer, "
     "prefetch, max_gradient, balance, task_gradients_every, early_stopping, checkpoint, "
     "warm_start, start_at_zero, compute"},
    {"train..epochs=3", "",
     "--set train..epochs=3: no field \"\"; known are epochs, batch_size, staleness, slices, seed, "
     "dense_optimizer, prefetch, max_gradient, balance, task_gradients_every, early_stopping, "
     "checkpoint, warm_start, start_at_zero, compute"},
    {"table[ids.dim=3", "", "--set table[ids.dim=3: \"table[ids\": expected NAME or NAME[WHICH]"},
    {"=3", "", "--set =3: expected PATH=VALUE, for example train.staleness=-1"},
    {"data.train={file: \"a\"} name: \"x\" test {}", "",
     "--set data.train={file: \"a\"} name: \"x\" test {}: data.train: found \"name\", expected the "
     "end"},
    {"data.train={file: \"a\" n_rows: 1 n_rows: 2}", "",
     "--set data.train={file: \"a\" n_rows: 1 n_rows: 2}: data.train.n_rows: is set twice, "
     "expected once"},
    {"data.train={file: \"a\" rows: 1}", "",
     "--set data.train={file: \"a\" rows: 1}: data.train: no field \"rows\"; known are file, "
     "first_row, "
     "n_rows"},
    {"data.train={file: \"a\"", "",
     "--set data.train={file: \"a\": data.train: found the end, expected a field or \"}\""},
    {"data.train.file=\"a,b", "",
     "--set data.train.file=\"a,b: data.train.file: cannot be read: Unexpected end of string."},
    {"table[ids]={name: \"ids\" dim: 4 optimizer { adam { learning_rate: nan } }}", "",
     "--set table[ids]={name: \"ids\" dim: 4 optimizer { adam { learning_rate: nan } }}: "
     "table[ids].optimizer.adam.learning_rate: found \"nan\", expected a finite number"},
    {"task[click].label.prefix=x", "",
     "--set task[click].label.prefix=x: the job chose equals, not prefix; to change the choice, "
     "set what "
     "holds "
     "it to {prefix: ...}"},
    // Blame.
    {"model.mmoe.tower=3,0", "",
     "--set model.mmoe.tower=3,0: model.mmoe.tower[1]: is 0, expected 1 to 65536"},
    {"model.mmoe.tower=0", "model.mmoe={n_experts: 2 tower: 0 expert: 1}",
     "--set model.mmoe={n_experts: 2 tower: 0 expert: 1}: model.mmoe.tower[0]: is 0, expected 1 to "
     "65536"},
    {"model.mmoe={n_experts: 2 tower: 0 expert: 1}", "model.mmoe.n_experts=0",
     "--set model.mmoe.n_experts=0: model.mmoe.n_experts: is 0, expected 1 to 1024"},
    {"train.epochs=0", "train.epochs=-5",
     "--set train.epochs=-5: train.epochs: is -5, expected 1 to 1000000"},
    {"train.epochs=0", "train.epochs=3", "no error"},
    {"train.checkpoint={every_s: 3}", "train.checkpoint={}",
     "--set train.checkpoint={}: train.checkpoint: never writes any, expected every_s, every_steps "
     "or every_epochs"},
    {"train.checkpoint={every_s: 3}", "train.checkpoint={every_s: -3}",
     "--set train.checkpoint={every_s: -3}: train.checkpoint.every_s: is -3, expected 0 or more"},
    {"train.checkpoint={every_s: 3}", "train.checkpoint={every_steps: 3 full_every: 0}",
     "--set train.checkpoint={every_steps: 3 full_every: 0}: train.checkpoint.full_every: is 0, "
     "expected 1 to 1000"},
    {"train.warm_start={model: 'a'}", "train.warm_start={}",
     "--set train.warm_start={}: train.warm_start.model: is empty, expected the folder of a model"},
    {"train.warm_start={model: 'a' table: 'ids'}", "train.warm_start={model: 'a' table: 'items'}",
     "--set train.warm_start={model: 'a' table: 'items'}: train.warm_start.table[0]: no table "
     "\"items\"; known are ids"},
    {"train.checkpoint={every_s: 3}", "train.checkpoint={every_steps: 3 keep: 0}",
     "--set train.checkpoint={every_steps: 3 keep: 0}: train.checkpoint.keep: is 0, expected 1 to "
     "1000"},
    {"train.slices=5", "train.slices=7",
     "job:22: train.batch_size: is 64, expected a multiple of slices, 7"},
};

INSTANTIATE_TEST_SUITE_P(Overrides, Overridden, ValuesIn(kOverrides));

TEST(Refused, AnEntryWhoseNameIsAPositionOfAnother) {
  std::string text(kTextJob);
  const std::string name = "name: \"user\"";
  text.replace(text.find(name), name.size(), "name: \"1\" column: \"user\"");
  EXPECT_EQ(LineOf(text), "no error");
  EXPECT_EQ(LineOf(text, {"field[1].separator=;"}),
            "--set field[1].separator=;: 1 is a position, and the name of field[0]: rename that");
  EXPECT_EQ(
      LineOf(text, {"field[0].column=usr"}),
      "--set field[0].column=usr: field[0].column: no column \"usr\"; the nearest is \"user\"");
}

TEST(Refused, FileNamesThatNoFileCanHave) {
  const auto line = [](size_t n) {
    return LineOf(Edited(kTextJob, {"a.tsv", std::string(n, 'a'), ""}));
  };
  EXPECT_EQ(line(4095 - std::string("/data/").size()), "no error");
  EXPECT_EQ(line(4096 - std::string("/data/").size()),
            "job:4: data.train.file[0]: has 4096 bytes with its folder, expected at most 4095");
}

TEST(Refused, LongTextIsQuotedInPart) {
  const std::string lots(100'000, 'x');
  const auto edited = [&](const char* from, const std::string& to) {
    return LineOf(Edited(kTextJob, {from, to, ""}));
  };
  const std::vector<std::string> lines = {
      edited("name: \"ids\"", "name: \"" + lots + "\""),
      edited("epochs: 1", lots + ": 1"),
      edited("epochs: 1", "epochs: " + lots),
      edited("epochs: 1", "epochs: " + std::string(100'000, '9')),
      edited("pooling: SUM", "pooling: " + lots),
      edited("log1p: true", "log1p: \"" + lots + "\""),
      edited("name: \"item\"", "name: \"item\" column: \"" + lots + "\""),
      LineOf(std::string(kTextJob), {lots + "=3"}),
      LineOf(std::string(kTextJob), {"train.epochs=" + lots}),
      LineOf(std::string(kTextJob), {"table[" + lots + "].dim=3"})};
  for (const std::string& line : lines) {
    EXPECT_NE(line, "no error");
    EXPECT_LT(line.size(), 2500u) << line;
  }
  EXPECT_THAT(lines[0], StartsWith("job:7: table[0].name: is \"xxx"));
  EXPECT_THAT(lines[0], HasSubstr("xxx\", expected at most 128 letters"));
}

/// Each of these once took time or stack that grew faster than the text.
// What takes the square of the text's size would not be done before the test's timeout.
TEST(Refused, LargeTextSoon) {
  std::string fields;
  std::string tables;
  std::string names;
  for (int i = 0; i < 65537; ++i) {
    const std::string name = "n" + std::to_string(i);
    fields += "field { name: \"" + name + "\" column: \"user\" }\n";
    tables += "table { name: \"" + name + "\" dim: 1 optimizer { sgd { learning_rate: 1 } } }\n";
    names += "\"" + name + "\", ";
  }
  std::string braces;
  for (int i = 0; i < 500'000; ++i) braces += "a { ";
  EXPECT_THAT(LineOf(fields + std::string(kTextJob)),
              HasSubstr("is one of 65539, expected at most 65536"));
  EXPECT_THAT(LineOf(tables + std::string(kTextJob)),
              HasSubstr("is one of 65538, expected at most 1024"));
  EXPECT_THAT(LineOf(braces + std::string(kTextJob)), StartsWith("job:1: no field \"a\""));
  EXPECT_EQ(LineOf(Edited(kTextJob, {"\"click\"]", "\"click\", " + names + "\"last\"]", ""})),
            "no error");
}

TEST(Refused, AFileWhoseNameHasALineBreak) {
  try {
    LoadJob("/nowhere/a\nb\x1b[2J", {});
    FAIL() << "there is no such file";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), StartsWith("/nowhere/a\\nb\\x1b[2J: cannot open"));
  }
}

TEST(Accepted, WhatTextFormatAllows) {
  EXPECT_EQ(LineOf(std::string(kTextJob)), "no error");
  EXPECT_EQ(LineOf(std::string(kGeneratedJob)), "no error");
  for (const char* to : {"epochs: 1;", "epochs: 1,", "epochs: 0x1", "epochs: # one\r\n 1"})
    EXPECT_EQ(LineOf(Edited(kTextJob, {"epochs: 1", to, ""})), "no error") << to;
  for (const char* to :
       {"learning_rate: 1", "learning_rate: .5", "learning_rate: 1e-3", "learning_rate: 2."})
    EXPECT_EQ(LineOf(Edited(kTextJob, {"learning_rate: 0.1", to, ""})), "no error") << to;
  for (const char* to : {"model: { mmoe", "model { mmoe :"})
    EXPECT_EQ(LineOf(Edited(kTextJob, {"model { mmoe", to, ""})), "no error") << to;
  const Job job =
      ParseJob(Edited(kTextJob, {"equals: \"1\"", "equals: '\"' \"\\347\\237\\245\" \"\\n\"", ""}),
               "job", "/data", {});
  EXPECT_EQ(job.task(0).label().equals(), "\"知\n");
}

TEST(Accepted, OverridesWithQuotes) {
  const auto files = [](const std::string& value) {
    const Job job =
        ParseJob(kTextJob, "job", "/", std::vector<std::string>{"data.train.file=" + value});
    return std::vector<std::string>(job.data().train().file().begin(),
                                    job.data().train().file().end());
  };
  const auto here = [](const std::string& name) { return AbsolutePath("", name); };
  EXPECT_THAT(files("\"a,b\",c"), ::testing::ElementsAre(here("a,b"), here("c")));
  EXPECT_THAT(files("a\"b"), ::testing::ElementsAre(here("a\"b")));
  EXPECT_THAT(files("a\\\"b,\"c\\\"d\""), ::testing::ElementsAre(here("a\"b"), here("c\"d")));
}

}  // namespace
}  // namespace zhiyin::launch::job
