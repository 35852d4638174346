#include "worker/data/file_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "common/error.h"
#include "common/hash.h"
#include "common/random.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "worker/data/records.h"
#include "worker/data/text_columns.h"
#include "worker/model/label_domains.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;
using zhiyin::testing::AddField;
using zhiyin::testing::AddNumeric;
using zhiyin::testing::AddTask;
using zhiyin::testing::CensusJob;
using zhiyin::testing::Collect;
using zhiyin::testing::CollectBlocks;
using zhiyin::testing::Collected;
using zhiyin::testing::CollectTrain;
using zhiyin::testing::ExpectSameRows;
using zhiyin::testing::SourcePath;
using zhiyin::testing::TempFolder;
using zhiyin::testing::TextJob;

/// Lines "begin,", "begin + 1,", ...
std::string Numbered(int begin, int end) {
  std::string text;
  for (int i = begin; i < end; ++i) text += std::to_string(i) + "\n";
  return text;
}

class FileSourceTest : public ::testing::Test {
 protected:
  /// A job with the number in the first column of these files.
  static Job NumberJob(const std::vector<std::string>& files) {
    Job job = TextJob(files);
    AddNumeric(&job, "number", "#0");
    return job;
  }
  static void ExpectNumbers(const Collected& all, int begin, int end) {
    ASSERT_EQ(all.rows.n, end - begin);
    for (int i = begin; i < end; ++i)
      ASSERT_EQ(all.rows.numerics[static_cast<size_t>(i - begin)], static_cast<float>(i));
  }
  static void ExpectRefused(const Job& job, const std::string& sentence) {
    EXPECT_THAT([&] { MakeSource(job, SplitKind::kTrain, model::LabelDomainsOf(job)); },
                ThrowsMessage<Error>(HasSubstr(sentence)));
  }

  TempFolder folder_;
};

TEST_F(FileSourceTest, ReadsFieldsNumbersAndLabelsByName) {
  Job job = TextJob({folder_.Write("f", "age;city;score\n30; Oslo ;0.5\n;Rome;\n")});
  job.mutable_data()->mutable_text()->set_delimiter(";");
  job.mutable_data()->mutable_text()->set_header(true);
  AddField(&job, "city");
  AddNumeric(&job, "age");
  AddTask(&job, "score");
  const Collected all = CollectTrain(job);
  EXPECT_EQ(all.n_seen, 2);
  EXPECT_THAT(all.bad, IsEmpty());
  EXPECT_THAT(all.rows.keys,
              ElementsAre(CategoryHasher("city")("Oslo"), CategoryHasher("city")("Rome")));
  EXPECT_EQ(all.rows.numerics[0], 30);
  EXPECT_THAT(all.rows.numerics[1], ::testing::IsNan());
  EXPECT_EQ(all.rows.labels[0], 0.5f);
  EXPECT_THAT(all.rows.labels[1], ::testing::IsNan());
}

TEST_F(FileSourceTest, SpacesWithinQuotesAreRemovedInHeadersAndValues) {
  Job job = TextJob({folder_.Write("f",
                                   "\" user\",\"x \",click\n\"u1 \",\" 0.5\",\" yes \"\n"
                                   "u1,\"  \",\" no\"\n")});
  job.mutable_data()->mutable_text()->set_header(true);
  AddField(&job, "user");
  AddNumeric(&job, "x");
  AddTask(&job, "click")->mutable_label()->set_equals("yes");
  const CategoryHasher user("user");
  const Collected all = CollectTrain(job);
  EXPECT_THAT(all.bad, IsEmpty());
  EXPECT_THAT(all.rows.keys, ElementsAre(user("u1"), user("u1")));
  EXPECT_EQ(all.rows.numerics[0], 0.5);
  EXPECT_TRUE(std::isnan(all.rows.numerics[1])) << "spaces are no value";
  EXPECT_THAT(all.rows.labels, ElementsAre(1, 0));
  job.mutable_data()->mutable_text()->set_trim(false);
  ExpectRefused(job, "no column \"user\" (field[0] \"user\")");
}

TEST_F(FileSourceTest, TheConfigMayNameTheColumns) {
  Job job = TextJob({folder_.Write("f", "1\t2\n3\t4\n")});
  job.mutable_data()->mutable_text()->set_delimiter("\\t");
  for (const char* name : {"a", "b"}) job.mutable_data()->mutable_text()->add_column_name(name);
  AddNumeric(&job, "b");
  EXPECT_THAT(CollectTrain(job).rows.numerics, ElementsAre(2, 4));
}

TEST_F(FileSourceTest, QuotesByteOrderMarkAndWindowsLineEnds) {
  Job job = TextJob(
      {folder_.Write("f", "\xef\xbb\xbf\"city, land\",n\r\n\"Oslo, Norway\",1\r\n\r\nRome,2")});
  job.mutable_data()->mutable_text()->set_header(true);
  job.mutable_data()->mutable_text()->set_quote("\"");
  AddField(&job, "f", "city, land");
  AddNumeric(&job, "n");
  const Collected all = CollectTrain(job);
  EXPECT_THAT(all.bad, IsEmpty());
  EXPECT_THAT(all.rows.keys,
              ElementsAre(CategoryHasher("f")("Oslo, Norway"), CategoryHasher("f")("Rome")));
  EXPECT_THAT(all.rows.numerics, ElementsAre(1, 2));
}

TEST_F(FileSourceTest, EveryMalformedLineIsNamedAndTheOthersAreUsed) {
  const std::string path =
      folder_.Write("f", std::string("1,a\n2\n3,a,b\n4,\xff\n5,\0\nsix,a\n\n", 28) + "7," +
                             std::string(2'000'000, 'x') + "\n8,b\n");
  Job job = NumberJob({path});
  const Collected all = CollectTrain(job);
  EXPECT_THAT(all.rows.numerics, ElementsAre(1, 8));
  EXPECT_EQ(all.n_seen, 8);
  EXPECT_THAT(
      all.Complaints(),
      ElementsAre(path + ":2: 1 column, expected 2", path + ":3: 3 columns, expected 2",
                  path + ":4: byte 2 is not UTF-8, expected UTF-8 text",
                  path + ":5: a NUL at byte 2, expected text",
                  path + ":6: numeric \"number\" (column #0): \"six\", expected a finite number",
                  path + ":8: longer than 1048576 bytes, expected a shorter line"));
  EXPECT_EQ(all.bad[0].row, 1);
  EXPECT_EQ(all.bad[5].row, 6) << "the empty line is no row";
}

TEST_F(FileSourceTest, AnUnclosedQuoteIsAMalformedLine) {
  const std::string path = folder_.Write("f", "1,a\n2,\"b\n3,c\n");
  Job job = NumberJob({path});
  job.mutable_data()->mutable_text()->set_quote("\"");
  const Collected all = CollectTrain(job);
  EXPECT_THAT(all.rows.numerics, ElementsAre(1, 3));
  EXPECT_THAT(all.Complaints(),
              ElementsAre(path + ":2: a quote is never closed, expected a closing one"));
}

TEST_F(FileSourceTest, QuotesAreUnderstoodWithoutBeingAskedFor) {
  Job job = TextJob({folder_.Write(
      "f", "city,n\n\"Oslo,\nNorway\",1\n\"Old\" Town,2\n\"Rome\",3\n\"never closed,4\n")});
  job.mutable_data()->mutable_text()->set_header(true);
  AddField(&job, "city");
  AddNumeric(&job, "n");
  const Collected all = CollectTrain(job);
  EXPECT_THAT(all.bad, IsEmpty());
  const CategoryHasher city("city");
  EXPECT_THAT(all.rows.keys, ElementsAre(city("Oslo,\nNorway"), city("\"Old\" Town"), city("Rome"),
                                         city("\"never closed")));
  EXPECT_THAT(all.rows.numerics, ElementsAre(1, 2, 3, 4));
  job.mutable_data()->mutable_text()->set_quote("");
  EXPECT_EQ(CollectTrain(job).rows.n, 5) << "both halves of the first value are lines of two";
}

TEST_F(FileSourceTest, TheLayoutsOfMovieLensAreRead) {
  for (const std::string text :
       {"u\ti\tr\n1\t11\t3\n2\t12\t4\n", "1\t11\t3\n2\t12\t4\n", "1::11::3\n2::12::4\n",
        "u|i|r\r\n1|11|3\r\n2|12|4\r\n", "1,11,3\n2,12,4\n"}) {
    Job job = TextJob({folder_.Write("f", text), folder_.Write("g", text)});
    for (const char* name : {"u", "i", "r"})
      job.mutable_data()->mutable_text()->add_column_name(name);
    AddField(&job, "u");
    AddNumeric(&job, "r");
    const Collected all = CollectTrain(job);
    EXPECT_THAT(all.bad, IsEmpty()) << text;
    EXPECT_THAT(all.rows.numerics, ElementsAre(3, 4, 3, 4)) << text;
  }
  Job job = TextJob({folder_.Write("f", "userId,movieId,rating\n1,11,3\n")});
  for (const char* name : {"u", "i", "r"})
    job.mutable_data()->mutable_text()->add_column_name(name);
  job.mutable_data()->mutable_text()->set_header(true);
  AddNumeric(&job, "r");
  EXPECT_THAT(CollectTrain(job).rows.numerics, ElementsAre(3)) << "names of the config's own";
  folder_.Write("f", "userId,movieId\n1,11\n");
  ExpectRefused(job, ":1: 2 columns, expected 3 as data.text.column_name says");
}

TEST_F(FileSourceTest, ReadsBackWhatIsEscaped) {
  Job job = TextJob({folder_.Write("f", "id\tn\na\\tb\t1\n\\x22c\\\\\t2\nd\\q\t3\n")});
  job.mutable_data()->mutable_text()->set_header(true);
  job.mutable_data()->mutable_text()->set_escapes(true);
  AddField(&job, "id");
  const Collected all = CollectTrain(job);
  EXPECT_THAT(all.rows.keys,
              ElementsAre(CategoryHasher("id")("a\tb"), CategoryHasher("id")("\"c\\")));
  EXPECT_THAT(all.Complaints(), ElementsAre(HasSubstr(":4: value #0 has a backslash")));
}

TEST_F(FileSourceTest, BlocksOfRecordsAndOfOtherEncodingsMayBeReadInAnyOrder) {
  std::string text;
  for (int i = 0; i < 1000; ++i)
    text += std::to_string(i) + (i % 3 == 0 ? ",\"\xe9\n,\"\n" : ",\xe9\r\n");
  std::string utf8 = text;
  for (size_t at = 0; (at = utf8.find('\xe9', at)) != utf8.npos;) utf8.replace(at, 1, "é");
  for (const std::string encoding : {"", "latin1"}) {
    Job job = NumberJob({folder_.Write("f", encoding.empty() ? utf8 : text)});
    job.mutable_data()->mutable_text()->set_encoding(encoding);
    AddField(&job, "name", "#1");
    const auto source = MakeSource(job, SplitKind::kTrain, model::LabelDomainsOf(job));
    for (const int64_t block : {3, 0, 2, 1, 0}) {
      const Collected part = CollectBlocks(source.get(), {block});
      ASSERT_THAT(part.bad, IsEmpty());
      ASSERT_EQ(part.rows.numerics.at(0), static_cast<float>(block * kBlockRecords));
      const CategoryHasher name("name");
      EXPECT_EQ(part.rows.keys.at(0), (block * kBlockRecords) % 3 == 0 ? name("é\n,") : name("é"));
    }
  }
}

TEST_F(FileSourceTest, BlocksAndRangesSpanFiles) {
  // 1000 rows in files that end in the middle of blocks; one of them has none at all.
  const std::vector<std::string> files = {
      folder_.Write("a", Numbered(0, 300)), folder_.Write("b", Numbered(300, 301)),
      folder_.Write("c", ""), folder_.WriteGzip("d", Numbered(301, 1000))};
  struct Range {
    int64_t first_row, n_rows;
    int begin, end;
  };
  for (const Range& range : {Range{0, 0, 0, 1000},
                             {0, 1000, 0, 1000},
                             {0, 5000, 0, 1000},
                             {299, 3, 299, 302},
                             {1, 256, 1, 257},
                             {290, 600, 290, 890},
                             {999, 0, 999, 1000},
                             {1000, 0, 0, 0},
                             {5000, 7, 0, 0}}) {
    Job job = NumberJob(files);
    job.mutable_data()->mutable_train()->set_first_row(range.first_row);
    job.mutable_data()->mutable_train()->set_n_rows(range.n_rows);
    const Collected all = CollectTrain(job);
    ExpectNumbers(all, range.begin, range.end);
    EXPECT_EQ(all.n_seen, range.end - range.begin);
    EXPECT_EQ(all.blocks.size(),
              static_cast<size_t>((range.end - range.begin + kBlockRecords - 1) / kBlockRecords));
  }
}

TEST_F(FileSourceTest, BlocksMayBeReadInAnyOrder) {
  std::string text = Numbered(0, 3000);
  text.replace(text.find("\n700\n"), 5, "\nbad\n");
  text.replace(text.find("\n800\n"), 5, "\nbad\n");
  const size_t cut = text.find("1000\n");
  const std::string a = text.substr(0, cut);
  const std::string b = text.substr(cut);
  // Fewer files than blocks, one of them smaller than a block; plain, compressed, and one of each.
  const std::vector<std::vector<std::string>> all_files = {
      {folder_.Write("a", a), folder_.Write("small", "3\n4\n"), folder_.Write("b", b)},
      {folder_.WriteGzip("a.gz", a), folder_.WriteGzip("small.gz", "3\n4\n"),
       folder_.WriteGzip("b.gz", b)},
      {folder_.Path("a.gz"), folder_.Path("small"), folder_.Path("b")},
      {folder_.Path("a"), folder_.Path("small.gz"), folder_.Path("b.gz")}};
  Random random(1);
  for (const std::vector<std::string>& files : all_files) {
    Job job = NumberJob(files);
    job.mutable_data()->mutable_train()->set_first_row(100);
    job.mutable_data()->mutable_train()->set_n_rows(2890);
    const Collected all = CollectTrain(job);
    ASSERT_EQ(all.n_seen, 2890);
    ASSERT_EQ(all.blocks.size(), 12u);
    ASSERT_EQ(all.Complaints().size(), 2u);
    for (int round = 0; round < 20; ++round) {
      const auto source = MakeSource(
          job, SplitKind::kTrain, model::LabelDomainsOf(job));  // of which nothing was passed yet
      std::vector<int64_t> blocks = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
      random.Shuffle(std::span(blocks));
      for (int again = 0; again < 2; ++again) {
        std::map<int64_t, Collected> parts;
        for (const int64_t block : blocks) parts[block] = CollectBlocks(source.get(), {block});
        Collected sorted;
        sorted.rows = Examples(0, 1, 0);
        for (const auto& [block, part] : parts) {
          EXPECT_EQ(part.n_seen, block < 11    ? kBlockRecords
                                 : block == 11 ? 2890 - 11 * kBlockRecords
                                               : 0);
          for (int64_t i = 0; i < part.rows.n; ++i) sorted.rows.Append(part.rows, i);
          sorted.bad.insert(sorted.bad.end(), part.bad.begin(), part.bad.end());
        }
        ExpectSameRows(sorted.rows, all.rows);
        EXPECT_EQ(sorted.Complaints(), all.Complaints()) << "line numbers, too";
      }
    }
  }
}

TEST_F(FileSourceTest, WhereLabelsAreIgnoredTheyMayBeMissing) {
  Job job = NumberJob({folder_.Write("f", "number,x\n5,bad\n6,\n")});
  job.mutable_data()->mutable_text()->set_header(true);
  job.mutable_numeric(0)->set_column("number");
  AddTask(&job, "task", "label");
  ExpectRefused(job, "no column \"label\"");
  const auto read = [&] {
    return Collect(MakeSource(job, SplitKind::kTrain, /*labels=*/{}).get());
  };
  EXPECT_THAT(read().rows.numerics, ElementsAre(5, 6));
  EXPECT_TRUE(std::isnan(read().rows.labels.at(1)));
  job.mutable_task(0)->mutable_label()->set_column("x");
  EXPECT_EQ(CollectTrain(job).bad.size(), 1u);
  EXPECT_THAT(read().bad, IsEmpty()) << "nobody looks at it";

  Job named = TextJob({folder_.Write("g", "1,2\n3,4\n")});
  for (const char* name : {"x", "y", "label"})
    named.mutable_data()->mutable_text()->add_column_name(name);
  AddNumeric(&named, "y", "y");
  AddTask(&named, "task", "label");
  ExpectRefused(named, "g:1: 2 columns, expected 3 as data.text.column_name says");
  EXPECT_THAT(Collect(MakeSource(named, SplitKind::kTrain, /*labels=*/{}).get()).rows.numerics,
              ElementsAre(2, 4));
}

TEST_F(FileSourceTest, FilesOfAnotherOrderAreReadByName) {
  Job job = TextJob({folder_.Write("train", "label,x,y\n1,2,3\n")});
  job.mutable_data()->mutable_text()->set_header(true);
  AddNumeric(&job, "first", "#1");
  AddNumeric(&job, "second", "y");
  AddTask(&job, "task", "label");
  FindColumns(&job);
  EXPECT_THAT(CollectTrain(job).rows.numerics, ElementsAre(2, 3));
  job.mutable_data()->mutable_test()->add_file(
      folder_.Write("test", "y,x,label\n30,20,1\n30,20\n31,21,0\n"));
  const Collected all =
      Collect(MakeSource(job, SplitKind::kTest, model::LabelDomainsOf(job)).get());
  EXPECT_THAT(all.rows.numerics, ElementsAre(20, 30, 21, 31));
  EXPECT_THAT(all.rows.labels, ElementsAre(1, 0));
  EXPECT_THAT(all.Complaints(), ElementsAre(folder_.Path("test") + ":3: 2 columns, expected 3"));
}

TEST_F(FileSourceTest, UnlabelledRowsWithoutAHeaderAreReadByTheLabelsPlace) {
  Job job = TextJob({folder_.Write("train", "1,2,3\n0,4,5\n")});
  AddNumeric(&job, "x", "#1");
  AddTask(&job, "task", "#0");
  FindColumns(&job);
  job.mutable_data()->mutable_test()->add_file(folder_.Write("test", "2,3\n4,5\n"));
  EXPECT_THAT(Collect(MakeSource(job, SplitKind::kTest, /*labels=*/{}).get()).rows.numerics,
              ElementsAre(2, 4));
  EXPECT_THAT([&] { MakeSource(job, SplitKind::kTest, model::LabelDomainsOf(job)); },
              ThrowsMessage<Error>(HasSubstr("test:1: 2 columns, expected 3 as in training")));
}

TEST_F(FileSourceTest, TrainAndTestAreSplitsOfTheirOwn) {
  Job job = NumberJob({folder_.Write("f", Numbered(0, 10))});
  job.mutable_data()->mutable_train()->set_n_rows(6);
  *job.mutable_data()->mutable_test() = job.data().train();
  job.mutable_data()->mutable_test()->set_first_row(6);
  job.mutable_data()->mutable_test()->set_n_rows(0);
  ExpectNumbers(CollectTrain(job), 0, 6);
  ExpectNumbers(Collect(MakeSource(job, SplitKind::kTest, model::LabelDomainsOf(job)).get()), 6,
                10);
}

TEST_F(FileSourceTest, AHeaderWithinAFileIsMalformed) {
  const std::string path = folder_.Write("f", "x,y\r\n1,a\n\nx,y\n2,b\n\"x\",y\nx,y");
  Job job = TextJob({path});
  AddField(&job, "x");
  for (const bool has_header : {true, false}) {
    job.mutable_data()->mutable_text()->set_header(has_header);
    const Collected all = CollectTrain(job);
    const CategoryHasher x("x");
    EXPECT_THAT(all.rows.keys, ElementsAre(x("1"), x("2"), x("x"))) << "one is written otherwise";
    EXPECT_THAT(all.Complaints(), ElementsAre(path + ":4: repeats the header, expected values",
                                              path + ":7: repeats the header, expected values"));
    for (const char* name : {"x", "y"}) job.mutable_data()->mutable_text()->add_column_name(name);
  }
}

TEST_F(FileSourceTest, HeadersOfAllFilesMustBeEqual) {
  Job job =
      NumberJob({folder_.Write("a", "x,y\n0,0\n1,0\n"), folder_.Write("b", "x,y\r\n2,0\r\n")});
  job.mutable_data()->mutable_text()->set_header(true);
  ExpectNumbers(CollectTrain(job), 0, 3);
  job.mutable_data()->mutable_train()->add_file(folder_.Write("c", "x,z\n"));
  ExpectRefused(job, folder_.Path("c") + ":1: column #1 is \"z\", expected \"y\" as in " +
                         folder_.Path("a") + ":1");
  folder_.Write("c", "x\n");
  ExpectRefused(job, folder_.Path("c") + ":1: a header of 1 columns, expected 2 as in " +
                         folder_.Path("a") + ":1");
  folder_.Write("c", "");
  ExpectRefused(job, folder_.Path("c") + ": is empty, expected a header");
}

TEST_F(FileSourceTest, AColumnThatDoesNotExistIsRefusedAtOnce) {
  Job job = TextJob({folder_.Write("f", "\nage,city\n1,2\n")});
  job.mutable_data()->mutable_text()->set_header(true);
  AddNumeric(&job, "height");
  ExpectRefused(job, folder_.Path("f") +
                         ":2: no column \"height\" (numeric[0] \"height\"); known are age, city");
}

TEST_F(FileSourceTest, FilesThatCannotBeReadAreRefusedAtOnce) {
  const std::string good = folder_.Write("f", "1\n");
  ExpectRefused(NumberJob({good, folder_.Path("nowhere")}),
                folder_.Path("nowhere") + ": No such file");
  ExpectRefused(NumberJob({folder_.Path()}), "is a folder, expected a file");
  ExpectRefused(NumberJob({}), "no file in a split, expected at least one");
  ExpectRefused(NumberJob({folder_.Write("empty", "\n\n")}),
                folder_.Path("empty") + ": is empty, expected examples");
  ExpectRefused(Job(), "no source, expected text or one of the generated ones");
}

TEST_F(FileSourceTest, ATruncatedGzipEndsTheJob) {
  const std::string gzip =
      zhiyin::testing::ReadFile(folder_.WriteGzip("whole", Numbered(0, 200'000)));
  const std::string path = folder_.Write("cut.gz", gzip.substr(0, gzip.size() - 100));
  const auto source =
      MakeSource(NumberJob({path}), SplitKind::kTrain, model::LabelDomainsOf(NumberJob({path})));
  EXPECT_THAT([&] { Collect(source.get()); }, ThrowsMessage<Error>(HasSubstr(path + ": at byte ")));
}

TEST_F(FileSourceTest, AFileThatChangesBetweenPassesEndsTheJob) {
  const std::string path = folder_.Write("f", Numbered(0, 10));
  const auto source =
      MakeSource(NumberJob({path}), SplitKind::kTrain, model::LabelDomainsOf(NumberJob({path})));
  ExpectNumbers(Collect(source.get()), 0, 10);
  folder_.Write("f", Numbered(0, 11));
  EXPECT_THAT([&] { Collect(source.get()); },
              ThrowsMessage<Error>(
                  HasSubstr(path + ": changed since the job began: 20 bytes then, 23 now")));
}

TEST_F(FileSourceTest, ReadsCensusIncome) {
  const Collected all = CollectTrain(CensusJob(SourcePath("tests/data/census-income.test.gz")));
  EXPECT_EQ(all.rows.n, 99'762);
  EXPECT_THAT(all.bad, IsEmpty());
  EXPECT_EQ(all.rows.n_fields, 32);
  EXPECT_EQ(all.rows.keys.size(), 99'762u * 32);
  double n_rich = 0;
  double n_never_married = 0;
  for (size_t i = 0; i < 99'762; ++i) {
    n_rich += all.rows.labels[2 * i];
    n_never_married += all.rows.labels[2 * i + 1];
  }
  EXPECT_NEAR(n_rich / 99'762, 0.062, 0.0005);
  EXPECT_NEAR(n_never_married / 99'762, 0.432, 0.0005);
}

}  // namespace
}  // namespace zhiyin::worker::data
