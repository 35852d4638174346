// Files that pyarrow has written, where launch/install_packages.sh arrow has been run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "common/error.h"
#include "common/random.h"
#include "tests/support/files.h"
#include "tests/support/process.h"
#include "worker/data/format/arrow_library.h"
#include "worker/data/format/format.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using Use = WantedColumn::Use;

constexpr int kRows = 1000;
constexpr const char* kPython = ZHIYIN_ARROW_DIR "/python";

TEST(ArrowLibrary, SaysWhereItLookedAndHowToMakeIt) {
  const ArrowLibrary library = LoadArrowLibrary();
  if (library.plugin != nullptr) {
    EXPECT_EQ(library.plugin->version, kZhiyinArrowVersion);
    EXPECT_THAT(library.files,
                ElementsAre(EndsWith("/libzhiyin_arrow.so"), HasSubstr("/lib"), HasSubstr("/lib")))
        << "with libarrow and libparquet";
    for (const std::string& file : library.files) EXPECT_TRUE(std::filesystem::exists(file));
    GTEST_SKIP() << "the plugin is there, with Arrow " << library.plugin->arrow_version;
  }
  EXPECT_THAT(library.trouble, HasSubstr("needs the plugin libzhiyin_arrow.so: looked in /"));
  EXPECT_THAT(library.trouble, HasSubstr("launch/install_packages.sh arrow"));
  const testing::TempFolder folder;
  const std::string path = folder.Write("x.parquet", "PAR1 and so on");
  try {
    kArrow.open(path, Text(), {}, nullptr);
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr(path + ": is Parquet, which needs the plugin"));
  }
}

/// Files of 1,000 rows, of which row i (from 0) holds i.
class ArrowPlugin : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new testing::TempFolder();
    if (LoadArrowLibrary().plugin == nullptr || !std::filesystem::exists(kPython)) return;
    const testing::ProcessResult written =
        testing::RunProcess({"env", "PYTHONPATH=" ZHIYIN_ARROW_DIR, kPython,
                             testing::SourcePath("tests/support/arrow_files.py"), folder_->Path()},
                            60);
    ASSERT_EQ(written.exit_code, 0) << written.err;
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  void SetUp() override {
    const ArrowLibrary library = LoadArrowLibrary();
    if (library.plugin == nullptr) GTEST_SKIP() << library.trouble;
    if (!std::filesystem::exists(kPython)) GTEST_SKIP() << kPython << " is missing";
  }

  static std::unique_ptr<RecordReader> Open(const std::string& name,
                                            const std::vector<WantedColumn>& wanted) {
    const std::string path = folder_->Path(name);
    EXPECT_TRUE(kArrow.recognises(testing::ReadFile(path).substr(0, kStartBytes))) << name;
    return kArrow.open(path, Text(), wanted, nullptr);
  }
  static std::string ErrorOf(const std::string& name, const std::vector<WantedColumn>& wanted) {
    try {
      const auto reader = Open(name, wanted);
      for (Record record; reader->Next(&record);) {
      }
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }

  static testing::TempFolder* folder_;
};

testing::TempFolder* ArrowPlugin::folder_ = nullptr;

/// Checks row i of the files.
void CheckRow(int i, const Record& record) {
  const bool has_text = i % 7 != 3;
  const std::string text = "text " + std::to_string(i % 5);
  const auto& values = record.values;
  ASSERT_EQ(record.number, i + 1);
  ASSERT_EQ(record.wrong, "");
  size_t c = 0;
  EXPECT_EQ(values[c++].text(), std::to_string(i));
  EXPECT_EQ(values[c++].number(), i % 100);
  EXPECT_EQ(values[c++].number(), i / 10.0) << "a float";
  EXPECT_EQ(values[c++].number(), i / 10.0);
  EXPECT_EQ(values[c++].number(), i % 100 / 10.0) << "of half precision";
  EXPECT_EQ(values[c++].text(), i % 2 == 0 ? "true" : "false");
  for (int n = 0; n < 3; ++n, ++c) {
    EXPECT_EQ(values[c].kind(), has_text ? Value::Kind::kText : Value::Kind::kMissing);
    EXPECT_EQ(values[c].text(), has_text ? text : "");
  }
  if (i % 3 == 0) {
    EXPECT_EQ(values[c++].kind(), Value::Kind::kMissing);
  } else {
    EXPECT_THAT(values[c++].list(), ElementsAre(std::to_string(i), std::to_string(i + 1)));
  }
  EXPECT_THAT(values[c++].list(), ElementsAre("t" + std::to_string(i)));
  EXPECT_EQ(values[c++].number(), i);
  EXPECT_EQ(values[c++].number(), i);
  EXPECT_EQ(values[c++].text(), std::to_string(i));
  EXPECT_EQ(values[c++].text(), std::to_string(i));
  EXPECT_EQ(values[c++].number(), 0);
  EXPECT_EQ(values[c++].number(), i / 4.0);
  EXPECT_EQ(values[c++].kind(), Value::Kind::kMissing);
}

const std::vector<WantedColumn> kAll = {
    {"id", Use::kText},         {"byte", Use::kNumber},      {"float", Use::kNumber},
    {"double", Use::kNumber},   {"half", Use::kNumber},      {"bool", Use::kText},
    {"text", Use::kText},       {"large", Use::kCategories}, {"category", Use::kCategories},
    {"list", Use::kCategories}, {"texts", Use::kCategories}, {"pair[1]", Use::kNumber},
    {"struct.a", Use::kNumber}, {"struct.b.c", Use::kText},  {"time", Use::kText},
    {"date", Use::kNumber},     {"decimal", Use::kNumber},   {"nothing", Use::kCategories}};

TEST_F(ArrowPlugin, ReadsWhatPyarrowWrites) {
  for (const char* name : {"none.parquet", "snappy.parquet", "gzip.parquet", "zstd.parquet",
                           "lz4.parquet", "brotli.parquet", "plain.parquet", "none.arrow",
                           "lz4.arrow", "zstd.arrow", "none.arrows", "lz4.arrows", "zstd.arrows"}) {
    SCOPED_TRACE(name);
    const auto reader = Open(name, kAll);
    Record record;
    for (int i = 0; i < kRows; ++i) {
      ASSERT_TRUE(reader->Next(&record));
      CheckRow(i, record);
    }
    EXPECT_FALSE(reader->Next(&record));
  }
}

TEST_F(ArrowPlugin, ReadsViewsAndBytes) {
  const auto reader = Open("none.arrow", {{"view", Use::kText}, {"bytes", Use::kText}});
  Record record;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(reader->Next(&record));
    if (i < 2) {
      EXPECT_EQ(record.values[0].text(), "text " + std::to_string(i));
      EXPECT_EQ(record.values[1].text(), "ok");
    }
  }
  EXPECT_EQ(record.wrong, "column \"bytes\": byte 0 is not UTF-8, expected UTF-8 text");
}

TEST_F(ArrowPlugin, SkipsToAnyRow) {
  for (const char* name : {"zstd.parquet", "lz4.arrow", "lz4.arrows"}) {
    for (const int n : {1, 99, 100, 299, 300, 600, 905, 999, 1000}) {
      SCOPED_TRACE(name + std::to_string(n));
      const auto reader = Open(name, kAll);
      EXPECT_EQ(reader->Skip(n), n);
      Record record;
      ASSERT_EQ(reader->Next(&record), n < kRows);
      if (n < kRows) CheckRow(n, record);
      EXPECT_EQ(reader->Skip(kRows), std::max(0, kRows - n - 1));
    }
  }
}

TEST_F(ArrowPlugin, ReadsNoRowsAndNoColumns) {
  Record record;
  EXPECT_FALSE(Open("empty.parquet", {{"id", Use::kText}})->Next(&record));
  for (const char* name : {"none.parquet", "none.arrow", "none.arrows"})
    EXPECT_EQ(Open(name, {})->Skip(2 * kRows), kRows) << name;
}

TEST_F(ArrowPlugin, NamesWhatItCannotRead) {
  EXPECT_EQ(ErrorOf("none.parquet", {{"idd", Use::kText}}),
            folder_->Path("none.parquet") + ": has no column \"idd\"; the nearest is \"id\"");
  EXPECT_THAT(ErrorOf("none.arrow", {{"map", Use::kText}}),
              HasSubstr("column \"map\" is a map, expected text, numbers"));
  EXPECT_EQ(ErrorOf("none.parquet", {{"struct", Use::kText}}),
            folder_->Path("none.parquet") +
                ": column \"struct\" is a struct, expected one of its fields: \"struct.a\"");
  const std::string parquet = testing::ReadFile(folder_->Path("none.parquet"));
  try {
    kArrow.open(folder_->WriteGzip("within.gz", parquet), Text(), {}, nullptr);
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("within.gz: is Parquet within gzip, expected the file itself"));
  }
  folder_->Write("encrypted.parquet", "PARE" + parquet.substr(4));
  EXPECT_THAT(ErrorOf("encrypted.parquet", {}), HasSubstr("is encrypted Parquet"));
  folder_->Write("old.feather", "FEA1");
  EXPECT_THAT(ErrorOf("old.feather", {}), HasSubstr("is Feather of version 1"));
}

TEST_F(ArrowPlugin, RefusesFilesThatAreCutShort) {
  for (const char* name : {"snappy.parquet", "lz4.arrow"}) {
    const std::string whole = testing::ReadFile(folder_->Path(name));
    for (const size_t n : {size_t{6}, size_t{100}, whole.size() / 2, whole.size() - 1}) {
      folder_->Write("short", std::string_view(whole).substr(0, n));
      const std::string error = ErrorOf("short", kAll);
      EXPECT_THAT(error, HasSubstr(folder_->Path("short") + ": ")) << name << " " << n;
    }
  }
}

/// Reads the first batch of a file with so much memory. Returns what is wrong, or "".
std::string ErrorWithin(int64_t max_bytes, const std::string& path) {
  const ZhiyinArrowPlugin& plugin = *LoadArrowLibrary().plugin;
  char error[200] = "";
  ZhiyinArrowFile* file = nullptr;
  if (plugin.open(path.c_str(), max_bytes, &file, error, sizeof(error)) != 0)
    return std::string("when opened: ") + error;
  const int32_t column = 0;
  ArrowOwned<ArrowArrayStream> stream;
  const int failed =
      plugin.read(file, &column, 1, 0, plugin.n_groups(file), stream.Fill(), error, sizeof(error));
  plugin.close(file);
  if (failed != 0) return std::string("when begun: ") + error;
  ArrowOwned<ArrowArray> batch;
  if (stream->get_next(stream.get(), batch.Fill()) == 0) return "";
  return stream->get_last_error(stream.get());
}

TEST_F(ArrowPlugin, LimitsItsMemory) {
  // A column of 800,000 bytes in one page or batch.
  for (const char* name : {"large.parquet", "large.arrow", "large.arrows"}) {
    EXPECT_THAT(ErrorWithin(200'000, folder_->Path(name)),
                ::testing::AllOf(HasSubstr("200000"), ::testing::Not(HasSubstr("when "))))
        << name;
    EXPECT_EQ(ErrorWithin(8'000'000, folder_->Path(name)), "") << name;
  }
}

TEST_F(ArrowPlugin, TellsTheGroupsOfAFile) {
  const ZhiyinArrowPlugin& plugin = *LoadArrowLibrary().plugin;
  std::string error(200, '\0');
  ZhiyinArrowFile* file = nullptr;
  const std::string path = folder_->Path("snappy.parquet");
  ASSERT_EQ(plugin.open(path.c_str(), 1 << 30, &file, error.data(), error.size()), 0) << error;
  EXPECT_STREQ(plugin.format(file), "Parquet");
  ASSERT_EQ(plugin.n_groups(file), 4);
  int64_t n_rows = 0;
  int64_t end = 4;
  for (int64_t i = 0; i < 4; ++i) {
    const ZhiyinArrowGroup group = plugin.group(file, i);
    n_rows += group.n_rows;
    EXPECT_EQ(group.begin, end) << "a group follows the one before";
    EXPECT_GT(group.end, group.begin);
    end = group.end;
  }
  EXPECT_EQ(n_rows, kRows);
  EXPECT_LT(end, static_cast<int64_t>(std::filesystem::file_size(path)));
  plugin.close(file);
}

TEST_F(ArrowPlugin, NoticesThatAFileChanges) {
  folder_->Write("changes.arrow", testing::ReadFile(folder_->Path("none.arrow")));
  const auto reader = Open("changes.arrow", kAll);
  Record record;
  ASSERT_TRUE(reader->Next(&record));
  folder_->Write("changes.arrow", "ARROW1 is what is left");
  try {
    while (reader->Next(&record)) {
    }
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(std::string(e.what()), folder_->Path("changes.arrow") +
                                         ": has changed since it was opened, expected it to stay "
                                         "as it is");
  }
}

/// Damage ends in an Error that names the file, or in values; never in anything else.
TEST_F(ArrowPlugin, TakesDamage) {
  int n_refused = 0;
  Random random(5);
  for (const char* name : {"snappy.parquet", "plain.parquet", "none.arrow", "none.arrows"}) {
    const std::string whole = testing::ReadFile(folder_->Path(name));
    for (int trial = 0; trial < 30; ++trial) {
      std::string damaged = whole;
      for (int n = 0; n < 4; ++n) {
        // The first bytes say what file it is.
        const size_t at = 8 + random.Below(damaged.size() - 8);
        damaged[at] = static_cast<char>(random.Below(256));
      }
      folder_->Write("damaged", damaged);
      const std::string error = ErrorOf("damaged", kAll);
      if (error == "no error") continue;
      ++n_refused;
      EXPECT_THAT(error, HasSubstr(folder_->Path("damaged") + ": ")) << name << " " << trial;
    }
  }
  EXPECT_GT(n_refused, 10);
}

}  // namespace
}  // namespace zhiyin::worker::data
