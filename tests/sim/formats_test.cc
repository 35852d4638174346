// Whole jobs on files of every format that hold equal examples.
#include <gmock/gmock.h>

#include <cstdio>
#include <string>
#include <vector>

#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/compress.h"
#include "tests/support/files.h"
#include "worker/data/format/tf_example.pb.h"
#include "worker/data/format/tf_record_writer.h"

namespace zhiyin::testing {
namespace {

using ::testing::HasSubstr;

constexpr int kRows = 900;

/// An example of the test: a whole number as a category, several texts, a number that may be
/// missing, a label.
struct Example {
  int64_t user = 0;
  std::vector<std::string> tags;
  bool has_price = true;
  double price = 0;
  int clicked = 0;
};

std::vector<Example> Examples() {
  std::vector<Example> examples;
  for (int i = 0; i < kRows; ++i) {
    Example& example = examples.emplace_back();
    example.user = (i * 7919) % 101;
    for (int t = 0; t < i % 3; ++t) example.tags.push_back("tag " + std::to_string((i + t) % 17));
    example.has_price = i % 10 != 3;
    example.price = (i * 37 % 1000) * 0.25;
    example.clicked = example.user % 3 == 0 || i % 11 == 0 ? 1 : 0;
  }
  return examples;
}

std::string NumberText(double number) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.17g", number);
  return text;
}

std::string Csv(const std::vector<Example>& examples) {
  std::string text = "user,tags,price,clicked\n";
  for (const Example& example : examples) {
    text += std::to_string(example.user) + ",";
    for (size_t t = 0; t < example.tags.size(); ++t) text += (t > 0 ? "|" : "") + example.tags[t];
    text += "," + (example.has_price ? NumberText(example.price) : "") + "," +
            std::to_string(example.clicked) + "\n";
  }
  return text;
}

std::string JsonLines(const std::vector<Example>& examples) {
  std::string text;
  for (const Example& example : examples) {
    text += "{\"clicked\": " + std::to_string(example.clicked) + ", \"tags\": [";
    for (size_t t = 0; t < example.tags.size(); ++t)
      text += (t > 0 ? ", \"" : "\"") + example.tags[t] + "\"";
    text += "], \"user\": " + std::to_string(example.user) +
            ", \"price\": " + (example.has_price ? NumberText(example.price) : "null") + "}\n";
  }
  return text;
}

std::string TfRecords(const std::vector<Example>& examples) {
  std::string bytes;
  for (const Example& example : examples) {
    worker::data::TfExample record;
    auto& features = *record.mutable_features()->mutable_feature();
    features["user"].mutable_int64_list()->add_value(example.user);
    for (const std::string& tag : example.tags)
      features["tags"].mutable_bytes_list()->add_value(tag);
    if (example.has_price)
      features["price"].mutable_float_list()->add_value(static_cast<float>(example.price));
    features["clicked"].mutable_int64_list()->add_value(example.clicked);
    worker::data::AppendTfRecord(record, &bytes);
  }
  return bytes;
}

/// A job on one file, of which the last 200 records are the test split.
SimulatedJob JobOn(const std::string& file, const std::string& text) {
  return {launch::job::ParseJob(R"(name: "formats" data { text {)" + text + R"(}
    train { n_rows: 700 file: ")" + file +
                                    R"(" } test { first_row: 700 file: ")" + file + R"(" } }
    table { name: "ids" dim: 4 optimizer { adagrad { learning_rate: 0.1 } } }
    field { name: "user" } field { name: "tags" separator: "|" }
    numeric { name: "price" }
    task { name: "click" label { column: "clicked" equals: "1" } binary_cross_entropy {} }
    model { shared_bottom { bottom: [8] } }
    train { epochs: 2 batch_size: 64 slices: 4 seed: 3
            dense_optimizer { adam { learning_rate: 0.01 } } })",
                                "formats", "/", {}),
          1,
          2,
          {}};
}

class Formats : public ::testing::Test {
 protected:
  /// The metrics of a job on a file with this content.
  static std::string MetricsOf(const std::string& file, const std::string& text = "") {
    const Outcome outcome = Simulate(JobOn(file, text));
    EXPECT_EQ(outcome.exit_code, 0) << file << ": " << outcome.error();
    return outcome.metrics;
  }

  TempFolder folder_;
};

TEST_F(Formats, OfEqualExamplesTrainEqualModels) {
  const std::vector<Example> examples = Examples();
  const std::string csv = Csv(examples);
  const std::string expected = MetricsOf(folder_.Write("csv", csv), "header: true");
  ASSERT_NE(expected, "");
  EXPECT_EQ(MetricsOf(folder_.Write("json", JsonLines(examples))), expected);
  EXPECT_EQ(MetricsOf(folder_.Write("tfrecord", TfRecords(examples))), expected);
  for (const Compression& compression : Compressions()) {
    const std::string name(compression.name);
    EXPECT_EQ(MetricsOf(folder_.Write("csv " + name, compression.compress(csv)), "header: true"),
              expected);
    EXPECT_EQ(MetricsOf(folder_.Write("json " + name, compression.compress(JsonLines(examples)))),
              expected);
    EXPECT_EQ(
        MetricsOf(folder_.Write("tfrecord " + name, compression.compress(TfRecords(examples)))),
        expected);
  }
}

TEST_F(Formats, AColumnThatNoRecordHasIsRefused) {
  const std::string json = JsonLines(Examples());
  SimulatedJob run = JobOn(folder_.Write("a.json", json), "");
  const Job good = run.job;
  run.job.mutable_numeric(0)->set_column("prize");
  Outcome outcome = Simulate(run);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.error(),
              HasSubstr("a.json: no record of data.train has the column \"prize\" (numeric[0] "
                        "\"price\"); the nearest is \"price\""));
  std::string other = json;
  for (size_t at = 0; (at = other.find("\"user\"", at)) != other.npos; ++at) other[at + 1] = 'U';
  run.job = good;
  run.job.mutable_data()->mutable_test()->set_file(0, folder_.Write("b.json", other));
  outcome = Simulate(run);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.error(),
              HasSubstr("b.json: no record of data.test has the column \"user\" (field[0] "
                        "\"user\"); the nearest is \"User\""));
}

TEST_F(Formats, AreToldByContentAndOfOneKindInASplit) {
  SimulatedJob run = JobOn(folder_.Write("a.csv", JsonLines(Examples())), "");
  run.job.mutable_data()->mutable_train()->clear_n_rows();
  run.job.mutable_data()->clear_test();
  run.job.mutable_data()->mutable_train()->add_file(folder_.Write("b.json", Csv(Examples())));
  const Outcome outcome = Simulate(run);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.error(), HasSubstr("b.json: is delimited text, expected JSON Lines as in " +
                                         folder_.Path("a.csv")));
}

}  // namespace
}  // namespace zhiyin::testing
