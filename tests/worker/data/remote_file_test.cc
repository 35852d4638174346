#include "worker/data/remote_file.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/error.h"
#include "tests/support/compress.h"
#include "tests/support/data_jobs.h"
#include "tests/support/files.h"
#include "tests/support/s3_server.h"
#include "tests/support/whole_file.h"
#include "worker/data/file_bytes.h"
#include "worker/data/file_digest.h"
#include "worker/data/find_remote.h"
#include "worker/data/format/arrow_library.h"
#include "worker/data/writer/table_format.h"

namespace zhiyin::worker::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;
using zhiyin::testing::WholeFile;

TEST(RemoteNames, AreThoseOfPlacesThatThePluginReaches) {
  for (const char* name : {"s3://b/x", "gs://b/x", "hdfs://host:8020/x", "abfss://c@a.net/x"})
    EXPECT_TRUE(IsRemote(name)) << name;
  for (const char* name : {"/s3://b/x", "s3:/b/x", "http://b/x", "s3a://b/x", "file:///x", "x", ""})
    EXPECT_FALSE(IsRemote(name)) << name;
}

TEST(RemoteNames, HaveParts) {
  const RemoteName name("s3://bucket/a b%20c/part-0.csv?region=x&scheme=http");
  EXPECT_EQ(name.root, "s3://bucket/");
  EXPECT_EQ(name.path, "a b%20c/part-0.csv");
  EXPECT_EQ(name.options, "?region=x&scheme=http");
  EXPECT_EQ(name.With("d/e"), "s3://bucket/d/e?region=x&scheme=http");
  for (const char* bucket : {"s3://bucket", "s3://bucket/", "s3://bucket?x=/y"}) {
    EXPECT_EQ(RemoteName(bucket).root, "s3://bucket/") << bucket;
    EXPECT_EQ(RemoteName(bucket).path, "") << bucket;
  }
}

TEST(RemoteNames, ThatAreWrongAreRefused) {
  EXPECT_EQ(WrongRemoteName("s3://bucket/x"), "");
  EXPECT_EQ(WrongRemoteName("hdfs:///x"), "");
  EXPECT_EQ(WrongRemoteName("abfss://container@account.net/x"), "");
  EXPECT_THAT(WrongRemoteName("s3://bucket/"), HasSubstr("expected a file's name"));
  EXPECT_THAT(WrongRemoteName("s3://bucket"), HasSubstr("expected a file's name"));
  EXPECT_THAT(WrongRemoteName("s3:///x"), HasSubstr("expected a bucket"));
  EXPECT_THAT(WrongRemoteName("s3://key:secret@bucket/x"), HasSubstr("names credentials"));
  EXPECT_THAT(WrongRemoteName("s3://bucket/" + std::string(5000, 'x')), HasSubstr("5012 bytes"));
}

TEST(RemoteNames, NeedThePlugin) {
  if (LoadArrowLibrary().plugin != nullptr) GTEST_SKIP() << "the plugin is there";
  EXPECT_THAT([] { FileBytes file("s3://bucket/x"); },
              ThrowsMessage<Error>(
                  HasSubstr("s3://bucket/x: is on s3, which needs the plugin libzhiyin_arrow.so")));
  EXPECT_THROW(FindRemote("s3://bucket/x"), Error);
}

std::string Digits(int n) {
  std::string text = "n,y\n";
  for (int i = 0; i < n; ++i) text += std::to_string(i) + "," + std::to_string(i % 2) + "\n";
  return text;
}

/// A bucket "bucket" on a server that all tests share.
class RemoteFiles : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new testing::TempFolder();
    std::filesystem::create_directory(folder_->Path("bucket"));
    server_ = new testing::S3Server(folder_->Path());
  }
  static void TearDownTestSuite() {
    delete server_;
    delete folder_;
  }
  void SetUp() override {
    if (!server_->trouble().empty()) GTEST_SKIP() << server_->trouble();
  }

  static std::string Put(const std::string& key, const std::string& content) {
    const std::filesystem::path path = folder_->Path("bucket/" + key);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return Url(key);
  }
  static std::string Url(const std::string& key) { return server_->Url("bucket/" + key); }
  /// The keys of the files that a name leads to.
  static std::vector<std::string> Found(const std::string& key) {
    std::vector<std::string> keys;
    for (const FoundFile& file : FindRemote(Url(key))) keys.push_back(RemoteName(file.path).path);
    return keys;
  }

  static testing::TempFolder* folder_;
  static testing::S3Server* server_;
};

testing::TempFolder* RemoteFiles::folder_ = nullptr;
testing::S3Server* RemoteFiles::server_ = nullptr;

TEST_F(RemoteFiles, AreReadAsFilesOfThisHost) {
  const std::string text = Digits(500'000);
  const std::string plain = Put("read/plain.csv", text);
  const std::string packed = Put("read/packed.csv.gz", testing::Gzip(text));
  EXPECT_EQ(WholeFile(plain), text);
  EXPECT_EQ(WholeFile(packed), text);
  EXPECT_EQ(WholeFile(Put("read/empty", "")), "");
  EXPECT_EQ(WholeFile(Put("read/a b%20c+d=é.csv", "odd\n")), "odd\n");
  for (const std::string& url : {plain, packed}) {
    FileBytes file(url);
    std::string here(1000, '\0');
    for (const int64_t at : {1'000'000, 10, 4'000'000}) {
      file.Seek(at);
      EXPECT_EQ(file.Read(here.data(), here.size()), here.size());
      EXPECT_EQ(here, text.substr(static_cast<size_t>(at), here.size()));
    }
  }
}

TEST_F(RemoteFiles, AreReadInFewRequests) {
  const std::string url = Put("few/plain.csv", Digits(1'500'000));
  const auto n_requests = [&] {
    const std::vector<std::string> all = server_->Requests();
    return std::count_if(all.begin(), all.end(), [](const std::string& request) {
      return request.find("few/plain.csv") != request.npos;
    });
  };
  EXPECT_EQ(n_requests(), 0);
  {
    FileBytes file(url);
    std::string start(1000, '\0');
    file.Read(start.data(), start.size());
  }
  EXPECT_EQ(n_requests(), 2) << "a look and its beginning";
  WholeFile(url);
  EXPECT_LT(n_requests(), 2 + 40) << "of 16 MB";
}

TEST_F(RemoteFiles, HaveStampsAndDigests) {
  const std::string text = Digits(1000);
  const std::string url = Put("stamp/a.csv", text);
  const FileStamp stamp = FileBytes(url).stamp();
  EXPECT_EQ(stamp.n_bytes, static_cast<int64_t>(text.size()));
  EXPECT_GT(stamp.mtime_ns, 0);
  EXPECT_EQ(DigestOf(url, kMinSampledBytes, [] {}).digest,
            DigestOf(folder_->Path("bucket/stamp/a.csv"), kMinSampledBytes, [] {}).digest);
  Put("stamp/a.csv", text + "1,1\n");
  EXPECT_NE(FileBytes(url).stamp(), stamp);
}

TEST_F(RemoteFiles, AreFoundInFoldersAndByPatterns) {
  for (const char* key : {"find/date=1/part-0.csv", "find/date=1/part-1.csv",
                          "find/date=1/_SUCCESS", "find/date=2/part-0.csv.gz", "find/_temporary/x",
                          "find/a[1].csv", "find/a1.csv", "find/.hidden", "finder/x"})
    Put(key, "x\n");
  EXPECT_THAT(Found("find/date=1"),
              ElementsAre("find/date=1/part-0.csv", "find/date=1/part-1.csv"));
  EXPECT_THAT(Found("find/date=1/"),
              ElementsAre("find/date=1/part-0.csv", "find/date=1/part-1.csv"));
  EXPECT_THAT(Found("find/date=*"), ElementsAre("find/date=1/part-0.csv", "find/date=1/part-1.csv",
                                                "find/date=2/part-0.csv.gz"));
  EXPECT_THAT(Found("find/date=*/*.csv"),
              ElementsAre("find/date=1/part-0.csv", "find/date=1/part-1.csv"));
  EXPECT_THAT(Found("find/*/part-0.csv*"),
              ElementsAre("find/date=1/part-0.csv", "find/date=2/part-0.csv.gz"));
  EXPECT_THAT(Found("find/date=1/_S*"), ElementsAre("find/date=1/_SUCCESS"));
  EXPECT_THAT(Found("find/a[1].csv"), ElementsAre("find/a[1].csv")) << "its own name";
  EXPECT_THAT(Found("find/a[[]1].csv"), ElementsAre("find/a[1].csv"));
  EXPECT_THAT(Found("find/a[0-9].csv"), ElementsAre("find/a1.csv"));
  EXPECT_THAT(Found("find/*.tsv"), IsEmpty());
  EXPECT_THAT(Found("find/nothing*/x"), IsEmpty());
  EXPECT_THAT(Found("find"), ElementsAre("find/a1.csv", "find/a[1].csv", "find/date=1/part-0.csv",
                                         "find/date=1/part-1.csv", "find/date=2/part-0.csv.gz"));
  EXPECT_THAT(FindRemote(Url("find/a1.csv"))[0].path, Url("find/a1.csv"));
  EXPECT_THAT([] { Found("find/none"); }, ThrowsMessage<Error>(HasSubstr("nothing is there")));
  EXPECT_THAT([] { Found("find/a1.csv/"); },
              ThrowsMessage<Error>(HasSubstr("is a file, expected")));
  EXPECT_THAT([] { Found("find/**"); }, ThrowsMessage<Error>(HasSubstr("has **")));
}

TEST_F(RemoteFiles, OfMoreThanAPageAreAllFound) {
  for (int i = 0; i < 1200; ++i) Put("many/" + std::to_string(i), "");
  EXPECT_EQ(Found("many").size(), 1200u);
  EXPECT_EQ(Found("many/1*").size(), 311u);
}

TEST_F(RemoteFiles, ThatCannotBeReadAreNamed) {
  const std::string denied = Put("denied.csv", "x\n");
  EXPECT_THAT([&] { FileBytes file(denied); }, ThrowsMessage<Error>(HasSubstr(denied + ": ")));
  EXPECT_THAT([&] { FileBytes file(denied); }, ThrowsMessage<Error>(HasSubstr("ACCESS_DENIED")));
  EXPECT_THAT([&] { FileBytes file(Url("absent")); },
              ThrowsMessage<Error>(
                  HasSubstr(Url("absent") + ": is not there, expected a file that can be read")));
  EXPECT_THAT([&] { FileBytes file(server_->Url("no-such-bucket/x")); },
              ThrowsMessage<Error>(HasSubstr("is not there")));
  EXPECT_THAT([&] { FileBytes file("s3://bucket/x?nonsense=1&region=x"); },
              ThrowsMessage<Error>(HasSubstr("nonsense")));
}

TEST_F(RemoteFiles, HaveTheExamplesOfLocalOnes) {
  const DataTable table = {{{"n", ColumnKind::kInteger}, {"y", ColumnKind::kInteger}},
                           [](TableWriter* writer) {
                             for (int i = 0; i < 5000; ++i)
                               writer->Row({std::to_string(i), std::to_string(i % 2)});
                           }};
  for (const TableFormat* format :
       {&kCsvTable, &kJsonLinesTable, &kTfRecordTable, &kParquetTable}) {
    SCOPED_TRACE(format->name);
    std::ostringstream bytes;
    WriteTable(table, *format, &bytes);
    const std::string url = Put(std::string("formats/") + format->name, bytes.str());
    Job job = testing::TextJob({folder_->Path(std::string("bucket/formats/") + format->name)});
    job.mutable_data()->mutable_text()->set_header(format == &kCsvTable);
    testing::AddNumeric(&job, "n");
    testing::AddTask(&job, "y");
    const testing::Collected expected = testing::CollectTrain(job);
    EXPECT_EQ(expected.rows.n, 5000);
    job.mutable_data()->mutable_train()->set_file(0, url);
    testing::ExpectSameRows(testing::CollectTrain(job).rows, expected.rows);
  }
}

}  // namespace
}  // namespace zhiyin::worker::data
