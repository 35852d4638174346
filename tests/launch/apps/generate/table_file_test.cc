// What `zhiyin generate` writes, in every format and compression, gives equal examples; misuse is
// one line.
#include "launch/apps/generate/table_file.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/error.h"
#include "launch/apps/generate/generate.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "worker/data/codec/codec.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;
using worker::data::Codecs;
using worker::data::ColumnKind;
using worker::data::DataTable;
using worker::data::TableFormat;
using worker::data::TableFormats;
using zhiyin::testing::Collected;
using zhiyin::testing::CollectTrain;
using zhiyin::testing::ExpectSameRows;

/// A job that reads a file and sets `header` where the file has one.
Job JobOnFile(const std::string& file) {
  Job job = zhiyin::testing::TextJob({file});
  const std::string name = file.substr(file.rfind('/') + 1);
  job.mutable_data()->mutable_text()->set_header(name.find(".tsv") != std::string::npos ||
                                                 name.find(".csv") != std::string::npos);
  return job;
}

class GenerateFormats : public ::testing::Test {
 protected:
  void Generate(const std::string& world, const std::string& format) const {
    GenerateWorld({world,
                   {world == "shop" ? "n_events=1000" : "n_pages=60", "seed=3"},
                   folder_.Path(world),
                   format,
                   true,
                   [](const std::string&) {}});
  }
  Collected EventsOfShop(const std::string& format) const {
    Job job = JobOnFile(folder_.Path("shop/events." + format));
    zhiyin::testing::AddField(&job, "user");
    zhiyin::testing::AddField(&job, "item");
    zhiyin::testing::AddNumeric(&job, "time");
    for (const char* task : {"click", "purchase", "conversion"})
      zhiyin::testing::AddTask(&job, task);
    return CollectTrain(job);
  }
  Collected ItemsOfSearch(const std::string& format) const {
    Job job = JobOnFile(folder_.Path("search/items." + format));
    zhiyin::testing::AddField(&job, "document");
    zhiyin::testing::AddField(&job, "words")->set_separator("|");
    zhiyin::testing::AddTask(&job, "first_day");
    return CollectTrain(job);
  }
  /// The formats that can hold a table of texts and numbers here: Parquet where the plugin is.
  static std::vector<const TableFormat*> FormatsHere() {
    std::vector<const TableFormat*> formats;
    for (const TableFormat* format : TableFormats()) {
      if (format->refuses(std::vector<worker::data::TableColumn>{{"a"}}).empty())
        formats.push_back(format);
    }
    return formats;
  }

  testing::TempFolder folder_{testing::TempFolder::kInMemory};
};

TEST_F(GenerateFormats, OfWorldsGiveEqualExamples) {
  Generate("shop", "tsv");
  Generate("search", "tsv");
  const Collected events = EventsOfShop("tsv");
  const Collected items = ItemsOfSearch("tsv");
  ASSERT_EQ(events.rows.n, 1000);
  ASSERT_EQ(items.rows.n, 540);
  std::vector<std::string> forms;
  for (const TableFormat* format : FormatsHere()) {
    forms.emplace_back(format->name);
    if (!format->may_be_compressed) continue;
    for (const worker::data::Codec* codec : Codecs())
      forms.push_back(std::string(format->name) + codec->ending);
  }
  EXPECT_GE(forms.size(), 24u) << "four formats at least, plain and in five compressions";
  for (const std::string& form : forms) {
    SCOPED_TRACE(form);
    Generate("shop", form);
    const Collected found = EventsOfShop(form);
    EXPECT_THAT(found.Complaints(), IsEmpty());
    ExpectSameRows(found.rows, events.rows);
    if (form.find('.') != std::string::npos) continue;
    Generate("search", form);
    ExpectSameRows(ItemsOfSearch(form).rows, items.rows);
  }
}

TEST_F(GenerateFormats, OfAJobsDataGiveEqualExamples) {
  const std::string config = folder_.Write("job.textproto", R"(
      data { generated_uniform { n_rows: 300 n_columns: 2 n_categories: 30 n_labels: 1 seed: 2 }
             train {} }
      table { name: "t" dim: 2 optimizer { sgd { learning_rate: 1 } } } field { name: "category_0" }
      task { name: "label_0" label { number {} } squared_error {} }
      model { shared_bottom { bottom: 2 } }
      train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })");
  const auto generate = [&](const std::string& name, const std::string& format) {
    GenerateRows({config, {}, folder_.Path(name), format, false});
    Job job = JobOnFile(folder_.Path(name));
    if (format == "libsvm") {
      job.mutable_data()->mutable_text()->mutable_libsvm();
      zhiyin::testing::AddField(&job, "all", "indices");
      zhiyin::testing::AddTask(&job, "label_0", "label");
    } else {
      zhiyin::testing::AddField(&job, "category_0");
      zhiyin::testing::AddField(&job, "category_1");
      zhiyin::testing::AddTask(&job, "label_0");
    }
    return CollectTrain(job).rows;
  };
  const worker::data::Examples expected = generate("a.tsv", "tsv");
  ASSERT_EQ(expected.n, 300);
  for (const TableFormat* format : FormatsHere())
    ExpectSameRows(generate(std::string("b.") + format->name, format->name), expected);
  ExpectSameRows(generate("c.csv.zst", "csv"), expected);
  ExpectSameRows(generate("of_any_name", "jsonl"), expected);
  const worker::data::Examples libsvm = generate("d.libsvm.gz", "libsvm");
  EXPECT_EQ(libsvm.labels, expected.labels);
  EXPECT_EQ(libsvm.keys.size(), 600u) << "one for each category";
}

TEST_F(GenerateFormats, MisuseIsOneLine) {
  const auto error_of = [&](const std::string& format) {
    try {
      Generate("shop", format);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(error_of("orc"), "--format=orc: expected tsv, csv, jsonl, libsvm, tfrecord or parquet");
  EXPECT_THAT(error_of("csv.zip"), AllOf(StartsWith("--format=csv.zip: expected tsv, csv, "),
                                         HasSubstr("or a compression as in csv.gz")));
  EXPECT_EQ(error_of("libsvm"),
            "--output=" + folder_.Path("shop/users.libsvm") +
                ": --format=libsvm: no column is a label, expected one that is");
  EXPECT_EQ(error_of("parquet.gz"),
            "--output=" + folder_.Path("shop/users.parquet.gz") +
                ": --format=parquet is not compressed as a whole, expected a name without .gz");
  EXPECT_FALSE(std::filesystem::exists(folder_.Path("shop"))) << "nothing is begun";
  EXPECT_THAT(error_of("csv.gz"), "no error");
}

TEST(TableFile, ItsNameDoesNotContradictTheFormat) {
  const DataTable table = {{{"a"}}, [](worker::data::TableWriter*) {}};
  const auto check = [&](const std::string& path, const std::string& format) {
    CheckTableFile(table, TableFormatOf(format), path);
  };
  EXPECT_THAT(
      [&] { check("x/a.csv", "tsv"); },
      ThrowsMessage<Error>("--output=x/a.csv: ends in .csv, expected --format=csv or a name "
                           "that ends in .tsv"));
  EXPECT_THAT([&] { check("a.tfrecord.gz", "jsonl"); },
              ThrowsMessage<Error>(HasSubstr("ends in .tfrecord, expected --format=tfrecord")));
  EXPECT_THAT([&] { check("a.parquet.zst", "parquet"); },
              ThrowsMessage<Error>(HasSubstr("expected a name without .zst")));
  for (const char* path : {"a.tsv", "a.tsv.bz2", "a.txt", "a", "a.xz", "a.csv/part-0"})
    EXPECT_NO_THROW(check(path, "tsv")) << path;
}

TEST(TableFile, ReplacesAFileWhenTheNewOneIsComplete) {
  const testing::TempFolder folder;
  for (const char* name : {"a.tsv", "a.tsv.gz"}) {
    const std::string path = folder.Write(name, "as it was");
    const DataTable table = {{{"a"}, {"b", ColumnKind::kInteger}},
                             [](worker::data::TableWriter* writer) {
                               for (int i = 0; i < 100'000; ++i)
                                 writer->Row({std::to_string(i), std::to_string(i)});
                               Fail("a row that cannot be made");
                             }};
    EXPECT_THAT([&] { WriteTableFile(table, worker::data::kTsvTable, path); },
                ThrowsMessage<Error>("a row that cannot be made"));
    EXPECT_EQ(testing::ReadFile(path), "as it was");
    WriteTableFile({{{"a"}}, [](worker::data::TableWriter*) {}}, worker::data::kTsvTable, path);
    EXPECT_THAT(testing::ReadFile(path), Not(HasSubstr("as it was")));
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.Path()), {}), 2)
      << "nothing else is left";
}

}  // namespace
}  // namespace zhiyin::launch::apps
