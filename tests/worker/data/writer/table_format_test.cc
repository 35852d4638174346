// Tables in every format: what is written, and that the program's readers give equal examples.
#include "worker/data/writer/table_format.h"

#include <gmock/gmock.h>

#include <array>
#include <sstream>
#include <stdexcept>

#include "common/error.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "worker/data/format/arrow_library.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using zhiyin::testing::AddField;
using zhiyin::testing::AddNumeric;
using zhiyin::testing::AddTask;
using zhiyin::testing::Collected;
using zhiyin::testing::CollectTrain;
using zhiyin::testing::ExpectSameRows;

using std::string_view_literals::operator""sv;

/// A table of these rows.
DataTable TableOfRows(std::vector<TableColumn> columns, std::vector<std::vector<Value>> rows) {
  return {std::move(columns), [rows = std::move(rows)](TableWriter* writer) {
            for (const std::vector<Value>& row : rows) writer->Row(row);
          }};
}

std::string Written(const DataTable& table, const TableFormat& format) {
  std::ostringstream out;
  WriteTable(table, format, &out);
  return out.str();
}

const std::vector<TableColumn> kMixedColumns = {{"user"},
                                                {"tags", ColumnKind::kCategories},
                                                {"count", ColumnKind::kInteger},
                                                {"price", ColumnKind::kNumber},
                                                {"click", ColumnKind::kInteger, true},
                                                {"bought", ColumnKind::kInteger, true}};

/// A table of 700 rows of all kinds of columns, with missing values and texts that formats quote.
DataTable MixedTable() {
  return {kMixedColumns, [](TableWriter* writer) {
            constexpr std::array kUsers = {"ada"sv,        "a,b"sv,    "say \"hi\""sv, "\""sv,
                                           "two\nlines"sv, "a\ttab"sv, "full stop."sv, "back\\"sv,
                                           "1.0"sv,        "中文"sv,   "{"sv,          "\x01"sv};
            constexpr std::array kPrices = {"12.25"sv, "0.1"sv, "-3"sv, "1e-05"sv, "20.00"sv};
            constexpr std::array kTags = {"new"sv, "red hat"sv, "sale, 10%"sv, "new"sv};
            for (size_t i = 0; i < 700; ++i) {
              const auto tags = std::span(kTags).first(i % 5);
              const bool click = i % 3 == 0;
              writer->Row({i % 13 == 12 ? Value() : Value(kUsers[i % 12]),
                           tags.empty() ? Value() : Value::List(tags),
                           i % 7 == 3 ? Value() : Value(std::to_string(i * i)),
                           i % 6 == 5 ? Value() : Value(kPrices[i % 5]), click ? "1"sv : "0"sv,
                           !click ? Value() : Value(i % 2 == 0 ? "1"sv : "0"sv)});
            }
          }};
}

/// A job that reads a file with the columns of MixedTable.
Job MixedJob(const std::string& file) {
  Job job = zhiyin::testing::TextJob({file});
  job.mutable_data()->mutable_text()->set_header(file.ends_with("sv"));
  AddField(&job, "user");
  AddField(&job, "tags")->set_separator("|");
  AddNumeric(&job, "count");
  AddNumeric(&job, "price")->set_log1p(true);
  AddTask(&job, "click");
  AddTask(&job, "bought");
  return job;
}

/// The formats that can hold a table here: Parquet where the plugin is, libsvm for one label.
std::vector<const TableFormat*> FormatsFor(const DataTable& table) {
  std::vector<const TableFormat*> formats;
  for (const TableFormat* format : TableFormats()) {
    if (format->refuses(table.columns).empty()) formats.push_back(format);
  }
  return formats;
}

TEST(TableFormats, OfOneTableGiveEqualExamples) {
  const testing::TempFolder folder(testing::TempFolder::kInMemory);
  const DataTable table = MixedTable();
  const auto read = [&](const TableFormat& format) {
    return CollectTrain(
        MixedJob(folder.Write(std::string("f.") + format.name, Written(table, format))));
  };
  const Collected expected = read(kTsvTable);
  EXPECT_THAT(expected.Complaints(), ::testing::IsEmpty());
  ASSERT_EQ(expected.rows.n, 700);
  for (const TableFormat* format : FormatsFor(table)) {
    SCOPED_TRACE(format->name);
    const Collected found = read(*format);
    EXPECT_THAT(found.Complaints(), ::testing::IsEmpty());
    ExpectSameRows(found.rows, expected.rows);
  }
  EXPECT_GE(FormatsFor(table).size(), 4u) << "all but libsvm, and Parquet without its plugin";
}

TEST(TableFormats, OfNumbersGiveEqualExamplesInLibsvm) {
  const testing::TempFolder folder(testing::TempFolder::kInMemory);
  const DataTable table = {
      {{"age", ColumnKind::kInteger},
       {"click", ColumnKind::kInteger, true},
       {"price", ColumnKind::kNumber}},
      [](TableWriter* writer) {
        for (int i = 0; i < 300; ++i)
          writer->Row({std::to_string(i % 4), i % 3 == 0 ? "1"sv : "0"sv, TextOf(i % 5 / 4.0)});
      }};
  const auto read = [&](const TableFormat& format, const char* age, const char* click,
                        const char* price) {
    Job job = zhiyin::testing::TextJob({folder.Write("f", Written(table, format))});
    job.mutable_data()->mutable_text()->set_header(&format == &kTsvTable);
    if (&format == &kLibsvmTable) job.mutable_data()->mutable_text()->mutable_libsvm();
    AddNumeric(&job, "age", age);
    AddNumeric(&job, "price", price);
    AddTask(&job, "click", click);
    return CollectTrain(job);
  };
  const Collected expected = read(kTsvTable, "age", "click", "price");
  ASSERT_EQ(expected.rows.n, 300);
  ExpectSameRows(read(kLibsvmTable, "1", "label", "2").rows, expected.rows);
}

TEST(TableFormats, AreWrittenSo) {
  const std::vector<std::string_view> tags = {"x", "y z"};
  const DataTable table = TableOfRows({{"user"},
                                       {"tags", ColumnKind::kCategories},
                                       {"count", ColumnKind::kInteger},
                                       {"price", ColumnKind::kNumber}},
                                      {{"a, \"b\""sv, Value::List(tags), "3"sv, Value()},
                                       {" padded"sv, Value(), "-1"sv, Value()},
                                       {"\n\x01\\"sv, Value(), Value(), "0.50"sv},
                                       {Value(), Value(), Value(), "inf"sv}});
  EXPECT_EQ(Written(table, kTsvTable),
            "user\ttags\tcount\tprice\n"
            "\"a, \"\"b\"\"\"\tx|y z\t3\t\n"
            "\" padded\"\t\t-1\t\n"
            "\"\n\x01\\\"\t\t\t0.50\n"
            "\t\t\tinf\n");
  EXPECT_EQ(Written(table, kCsvTable),
            "user,tags,count,price\n"
            "\"a, \"\"b\"\"\",x|y z,3,\n"
            "\" padded\",,-1,\n"
            "\"\n\x01\\\",,,0.50\n"
            ",,,inf\n");
  EXPECT_EQ(Written(table, kJsonLinesTable),
            R"({"user":"a, \"b\"","tags":["x","y z"],"count":3,"price":null})"
            "\n"
            R"({"user":" padded","tags":null,"count":-1,"price":null})"
            "\n"
            R"({"user":"\u000a\u0001\\","tags":null,"count":null,"price":0.50})"
            "\n"
            R"({"user":null,"tags":null,"count":null,"price":"inf"})"
            "\n");
}

TEST(TableFormats, LibsvmHasAnIndexForEachNumberAndThenForEachCategory) {
  const std::vector<TableColumn> columns = {{"x", ColumnKind::kNumber},
                                            {"click", ColumnKind::kInteger, true},
                                            {"city"},
                                            {"tags", ColumnKind::kCategories},
                                            {"n", ColumnKind::kInteger}};
  const std::vector<std::string_view> ab = {"a", "b"};
  const std::vector<std::string_view> bab = {"b", "a", "b"};
  const auto row = [](std::string_view x, std::string_view click, Value city, Value tags,
                      std::string_view n) {
    return std::vector<Value>{x, click, city, tags, n};
  };
  EXPECT_EQ(Written(TableOfRows(columns, {row("0.5", "1", "a"sv, Value::List(ab), "0"),
                                          row("0.00", "0", Value(), Value::List(bab), "-3"),
                                          row("0", "1", "Bern"sv, Value(), "0")}),
                    kLibsvmTable),
            "1 1:0.5 3:1 4:1 5:1\n"
            "0 2:-3 4:1 5:1\n"
            "1 6:1\n");
  EXPECT_THAT(
      [&] { Written(TableOfRows(columns, {row("nan", "1", "a"sv, Value(), "0")}), kLibsvmTable); },
      ThrowsMessage<Error>("libsvm: row 1: x is nan, expected a finite number"));
  EXPECT_THAT(
      [&] {
        Written(TableOfRows(columns, {{Value(), "1"sv, Value(), Value(), "0"sv}}), kLibsvmTable);
      },
      ThrowsMessage<Error>("libsvm: row 1: x is missing, expected a finite number"));
}

TEST(TableFormats, LibsvmTakesOneLabel) {
  const auto refusal = [](std::vector<TableColumn> columns) {
    return kLibsvmTable.refuses(columns);
  };
  EXPECT_EQ(refusal({{"x", ColumnKind::kNumber}}), "no column is a label, expected one that is");
  EXPECT_EQ(refusal({{"a", ColumnKind::kInteger, true}, {"b", ColumnKind::kNumber, true}}),
            "2 columns are labels (a, b), expected one");
  EXPECT_EQ(refusal({{"a", ColumnKind::kCategory, true}}),
            "the label a is a text, expected a number");
  EXPECT_EQ(refusal({{"a", ColumnKind::kInteger, true}, {"b"}}), "");
  EXPECT_THAT(
      [] {
        Written(TableOfRows({{"x", ColumnKind::kNumber}}, {}), kLibsvmTable);
      },
      ThrowsMessage<Error>("libsvm: no column is a label, expected one that is"));
}

TEST(TableFormats, TfRecordRefusesNumbersThatAFloatDoesNotHold) {
  const auto write = [](std::string_view number) {
    return Written(TableOfRows({{"time", ColumnKind::kNumber}}, {{number}}), kTfRecordTable);
  };
  for (const std::string_view held :
       {"0.1", "29.99999", "0.100000001", "16777216", "-20.50", "inf"})
    EXPECT_NE(write(held), "") << held;
  EXPECT_THAT([&] { write("255.99999"); },
              ThrowsMessage<Error>("tfrecord: row 1: time is 255.99999, expected a number that a "
                                   "float of 32 bits holds"));
  EXPECT_THAT([&] { write("16777217"); }, ThrowsMessage<Error>(HasSubstr("16777217")));
}

TEST(TableFormats, ParquetSaysHowToGetThePlugin) {
  const std::string why = kParquetTable.refuses(kMixedColumns);
  EXPECT_EQ(why, LoadArrowLibrary().trouble);
  if (why.empty()) GTEST_SKIP() << "the plugin is there";
  EXPECT_THAT([] { Written(MixedTable(), kParquetTable); },
              ThrowsMessage<Error>(HasSubstr("parquet: needs the plugin libzhiyin_arrow.so: ")));
}

/// Takes so many bytes, and then fails.
class SmallDisk : public std::streambuf {
 public:
  explicit SmallDisk(int n_bytes) : n_left_(n_bytes) {}

 protected:
  int_type overflow(int_type c) override {
    if (n_left_-- == 0) throw std::runtime_error("the disk is full");
    return traits_type::not_eof(c);
  }

 private:
  int n_left_;
};

TEST(TableFormats, PassOnWhatTheStreamThrows) {
  const DataTable table = MixedTable();
  for (const TableFormat* format : FormatsFor(table)) {
    for (const int n_bytes : {0, 100}) {
      SmallDisk disk(n_bytes);
      std::ostream out(&disk);
      out.exceptions(std::ios::badbit);
      EXPECT_THAT([&] { WriteTable(table, *format, &out); },
                  ThrowsMessage<std::runtime_error>("the disk is full"))
          << format->name;
    }
  }
}

TEST(TableFormats, HaveNames) {
  EXPECT_EQ(TableFormatNames(), "tsv, csv, jsonl, libsvm, tfrecord or parquet");
  for (const TableFormat* format : TableFormats())
    EXPECT_EQ(TableFormatNamed(format->name), format);
  EXPECT_EQ(TableFormatNamed("orc"), nullptr);
}

}  // namespace
}  // namespace zhiyin::worker::data
