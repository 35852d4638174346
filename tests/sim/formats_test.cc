// Whole jobs on files of every format that hold equal examples.
#include <gmock/gmock.h>

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "launch/job/load_job.h"
#include "tests/sim/simulated_job.h"
#include "tests/support/compress.h"
#include "tests/support/files.h"
#include "worker/data/writer/table_format.h"

namespace zhiyin::testing {
namespace {

using ::testing::HasSubstr;
using worker::data::ColumnKind;
using worker::data::DataTable;
using worker::data::TableFormat;
using worker::data::TableWriter;
using worker::data::Value;

constexpr int kRows = 900;

/// The examples of the test: a whole number as a category, several texts, a number that may be
/// missing, which `missing_price` says unless it is empty, a label and its complement.
DataTable Examples(const std::string& missing_price = "") {
  return {{{"user", ColumnKind::kInteger},
           {"tags", ColumnKind::kCategories},
           {"price", ColumnKind::kNumber},
           {"clicked", ColumnKind::kInteger, true},
           {"passed", ColumnKind::kInteger, true}},
          [missing_price](TableWriter* writer) {
            const Value missing = missing_price.empty() ? Value() : Value(missing_price);
            for (int i = 0; i < kRows; ++i) {
              const int user = (i * 7919) % 101;
              std::vector<std::string> tags;
              for (int t = 0; t < i % 3; ++t) tags.push_back("tag " + std::to_string((i + t) % 17));
              const std::vector<std::string_view> views(tags.begin(), tags.end());
              const bool clicked = user % 3 == 0 || i % 11 == 0;
              writer->Row({std::to_string(user), views.empty() ? Value() : Value::List(views),
                           i % 10 == 3 ? missing : Value(TextOf((i * 37 % 1000) * 0.25)),
                           std::to_string(clicked ? 1 : 0), std::to_string(clicked ? 0 : 1)});
            }
          }};
}

/// Numbers and one label, which every format can hold.
DataTable Numbers() {
  return {{{"user", ColumnKind::kInteger},
           {"clicked", ColumnKind::kInteger, true},
           {"price", ColumnKind::kNumber}},
          [](TableWriter* writer) {
            for (int i = 0; i < kRows; ++i) {
              const int user = (i * 7919) % 101;
              writer->Row({std::to_string(user), std::to_string(user % 3 == 0 ? 1 : 0),
                           TextOf((i * 37 % 1000) * 0.25)});
            }
          }};
}

std::string BytesIn(const TableFormat& format, const DataTable& table) {
  std::ostringstream bytes;
  WriteTable(table, format, &bytes);
  return bytes.str();
}

/// The settings of data.text that a format needs.
std::string TextOfFormat(const TableFormat& format) {
  const bool has_header =
      &format == &worker::data::kTsvTable || &format == &worker::data::kCsvTable;
  return has_header ? "header: true" : "";
}

constexpr const char* kMixedInputs = R"(
    table { name: "ids" dim: 4 optimizer { adagrad { learning_rate: 0.1 } } }
    field { name: "user" } field { name: "tags" separator: "|" } numeric { name: "price" }
    task { name: "click" label { column: "clicked" equals: "1" } binary_cross_entropy {} })";

/// A job on one file, of which the last 200 records are the test split.
SimulatedJob JobOn(const std::string& file, const std::string& text,
                   const std::string& inputs = kMixedInputs) {
  return {launch::job::ParseJob(R"(name: "formats" data { text {)" + text + R"(}
    train { n_rows: 700 file: ")" + file +
                                    R"(" } test { first_row: 700 file: ")" + file + R"(" } })" +
                                    inputs + R"(
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
  static std::string MetricsOf(const std::string& file, const std::string& text,
                               const std::string& inputs = kMixedInputs) {
    const Outcome outcome = Simulate(JobOn(file, text, inputs));
    EXPECT_EQ(outcome.exit_code, 0) << file << ": " << outcome.error();
    return outcome.metrics;
  }
  /// The metrics of the examples in a format, compressed by `compress` if it is not null.
  std::string MetricsIn(const TableFormat& format, const Compression* compression = nullptr) const {
    const std::string bytes = BytesIn(format, Examples());
    const std::string file =
        folder_.Write("examples", compression == nullptr ? bytes : compression->compress(bytes));
    return MetricsOf(file, TextOfFormat(format));
  }

  TempFolder folder_;
};

TEST_F(Formats, OfEqualExamplesTrainEqualModels) {
  const std::string expected = MetricsIn(worker::data::kTsvTable);
  ASSERT_NE(expected, "");
  for (const TableFormat* format : worker::data::TableFormats()) {
    if (!format->refuses(Examples().columns).empty()) continue;  // no plugin; or two labels
    EXPECT_EQ(MetricsIn(*format), expected) << format->name;
    if (!format->may_be_compressed) continue;
    for (const Compression& compression : Compressions()) {
      EXPECT_EQ(MetricsIn(*format, &compression), expected)
          << format->name << " in " << compression.name;
    }
  }
}

TEST_F(Formats, OfNumbersTrainEqualModelsInLibsvm) {
  const auto metrics = [&](const TableFormat& format, const std::string& text,
                           const std::string& user, const std::string& label,
                           const std::string& price) {
    return MetricsOf(folder_.Write("numbers", BytesIn(format, Numbers())), text,
                     "numeric { name: \"user\" column: \"" + user +
                         "\" } numeric { name: \"price\" column: \"" + price +
                         "\" } task { name: \"click\" label { column: \"" + label +
                         "\" equals: \"1\" } binary_cross_entropy {} }");
  };
  const std::string expected =
      metrics(worker::data::kTsvTable, "header: true", "user", "clicked", "price");
  ASSERT_NE(expected, "");
  EXPECT_EQ(metrics(worker::data::kLibsvmTable, "libsvm {}", "1", "label", "2"), expected);
}

TEST_F(Formats, HaveMissingNumbersInCommon) {
  const std::string expected = MetricsIn(worker::data::kTsvTable);
  for (const TableFormat* format : worker::data::TableFormats()) {
    const DataTable examples = Examples("-999");
    if (!format->refuses(examples.columns).empty()) continue;  // no plugin; or two labels
    EXPECT_EQ(MetricsOf(folder_.Write("examples", BytesIn(*format, examples)),
                        TextOfFormat(*format) + " missing: \"-999\""),
              expected)
        << format->name;
  }
}

/// The items of a shop, which examples are joined with.
DataTable Items() {
  return {{{"user", ColumnKind::kInteger},
           {"age", ColumnKind::kNumber},
           {"groups", ColumnKind::kCategories}},
          [](TableWriter* writer) {
            for (int user = 0; user < 90; ++user) {
              std::vector<std::string> groups;
              for (int g = 0; g < user % 3; ++g)
                groups.push_back("group " + std::to_string(user % 7 + g));
              const std::vector<std::string_view> views(groups.begin(), groups.end());
              writer->Row({std::to_string(user), TextOf(user * 0.25),
                           views.empty() ? Value() : Value::List(views)});
            }
          }};
}

TEST_F(Formats, OfJoinsMayDifferFromThatOfTheExamples) {
  const auto metrics = [&](const TableFormat& examples, const TableFormat& items) {
    SimulatedJob run =
        JobOn(folder_.Write("examples", BytesIn(examples, Examples())), TextOfFormat(examples),
              std::string(kMixedInputs) + R"( numeric { name: "age" }
                               field { name: "groups" separator: "|" })");
    Join* join = run.job.mutable_data()->add_join();
    join->add_file(folder_.Write("items", BytesIn(items, Items())));
    join->set_column("user");
    join->mutable_text()->set_header(true);
    const Outcome outcome = Simulate(run);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.error();
    return outcome.metrics;
  };
  const TableFormat* const tsv = &worker::data::kTsvTable;
  const TableFormat* const json = &worker::data::kJsonLinesTable;
  const std::string expected = metrics(*tsv, *tsv);
  ASSERT_NE(expected, "");
  EXPECT_EQ(metrics(*json, *tsv), expected);
  for (const TableFormat* items : worker::data::TableFormats()) {
    if (!items->refuses(Items().columns).empty()) continue;  // no plugin; or no names
    EXPECT_EQ(metrics(*tsv, *items), expected) << items->name;
    EXPECT_EQ(metrics(*json, *items), expected) << items->name;
  }
}

TEST_F(Formats, AColumnThatNoRecordHasIsRefused) {
  const std::string json = BytesIn(worker::data::kJsonLinesTable, Examples());
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
  SimulatedJob run =
      JobOn(folder_.Write("a.csv", BytesIn(worker::data::kJsonLinesTable, Examples())), "");
  run.job.mutable_data()->mutable_train()->clear_n_rows();
  run.job.mutable_data()->clear_test();
  run.job.mutable_data()->mutable_train()->add_file(
      folder_.Write("b.json", BytesIn(worker::data::kCsvTable, Examples())));
  const Outcome outcome = Simulate(run);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.error(), HasSubstr("b.json: is delimited text, expected JSON Lines as in " +
                                         folder_.Path("a.csv")));
}

}  // namespace
}  // namespace zhiyin::testing
