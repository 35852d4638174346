// Names of data files in a job: folders, patterns, lists, and what is refused of them.
#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/file.h"
#include "launch/job/load_job.h"
#include "tests/support/files.h"
#include "worker/data/format/arrow_library.h"

namespace zhiyin::launch::job {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Strings = std::vector<std::string>;

const std::string kExpectedPath =
    ", expected a path that this host can open, or s3://, gs://, hdfs:// or abfs://";

class DataFiles : public ::testing::Test {
 protected:
  std::string TextOf(const std::string& data) const {
    return R"(data {
  text { header: true }
  )" + data +
           R"(
}
table { name: "ids" dim: 1 optimizer { sgd { learning_rate: 1 } } }
field { name: "user" }
task { name: "click" label { number {} } binary_cross_entropy {} }
model { linear {} }
train { epochs: 1 batch_size: 64 dense_optimizer { sgd { learning_rate: 1 } } }
)";
  }
  Job Load(const std::string& data, const Strings& overrides = {}) const {
    return ParseJob(TextOf(data), "job", folder_.Path(), overrides);
  }
  std::string ErrorOf(const std::string& data, const Strings& overrides = {}) const {
    try {
      Load(data, overrides);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }
  void Make(const Strings& names, const std::string& content = "user,click\n") {
    for (const std::string& name : names) {
      fs::create_directories(fs::path(folder_.Path(name)).parent_path());
      folder_.Write(name, content);
    }
  }
  std::string Path(const std::string& name) const { return folder_.Path(name); }
  /// The files of data.train with this text of `file`.
  Strings Train(const std::string& files, const Strings& overrides = {}) const {
    const Job job = Load("train { file: " + files + " }", overrides);
    return {job.data().train().file().begin(), job.data().train().file().end()};
  }
  std::string TrainError(const std::string& files, const Strings& overrides = {}) const {
    return ErrorOf("train { file: " + files + " }", overrides);
  }

  testing::TempFolder folder_;
};

TEST_F(DataFiles, OfFoldersPatternsAndPlainNames) {
  Make({"d/part-1", "d/part-0", "d/_SUCCESS", "e/a 知.csv", "e/b.csv", "plain"});
  EXPECT_THAT(Train("\"d\""), ElementsAre(Path("d/part-0"), Path("d/part-1")));
  EXPECT_THAT(Train("\"d/\""), ElementsAre(Path("d/part-0"), Path("d/part-1")));
  EXPECT_THAT(Train("[\"plain\", \"e/*.csv\", \"./d\", \"missing\"]"),
              ElementsAre(Path("plain"), Path("e/a 知.csv"), Path("e/b.csv"), Path("d/part-0"),
                          Path("d/part-1"), Path("missing")));
}

TEST_F(DataFiles, OfAllSplitsAndJoins) {
  Make({"d/part-0", "t/part-0", "v/part-0", "j/b", "j/a"}, "user,click\n1,1\n");
  const Job job = Load(R"(train { file: "d" } test { file: "t" } validation { file: "v/*" }
      join { file: "j" column: "user" })");
  EXPECT_EQ(job.data().train().file(0), Path("d/part-0"));
  EXPECT_EQ(job.data().test().file(0), Path("t/part-0"));
  EXPECT_EQ(job.data().validation().file(0), Path("v/part-0"));
  EXPECT_THAT(job.data().join(0).file(), ElementsAre(Path("j/a"), Path("j/b")));
}

TEST_F(DataFiles, OfLists) {
  Make({"d/part-0", "d/part-1", "lists/a.csv", "x y.csv"});
  folder_.Write("lists/list.txt",
                "\xef\xbb\xbf# days\r\n\r\n../d\r\n  # more\na.csv\n \t\n../x y.csv\n../gone.csv");
  const Strings files = {Path("d/part-0"), Path("d/part-1"), Path("lists/a.csv"), Path("x y.csv"),
                         Path("gone.csv")};
  EXPECT_EQ(Train("\"@lists/list.txt\""), files);
  EXPECT_EQ(Train("\"@" + Path("lists/list.txt") + "\""), files);
  EXPECT_EQ(Train("\"nothing*\"", {"data.train.file=@" + Path("lists/list.txt")}), files);
  folder_.Write("@lists.txt", "user,click\n");
  EXPECT_THAT(Train("\"@lists.txt\""), ElementsAre(Path("@lists.txt"))) << "its own name";
}

TEST_F(DataFiles, OfOverridesBeginInTheCurrentFolder) {
  Make({"d/part-0"});
  // Relative to the current folder, and not to that of the config, where it is "d".
  const std::string relative = fs::relative(Path("d")).string();
  EXPECT_THAT(Train("\"nothing-matches-*\"", {"data.train.file=" + relative}),
              ElementsAre(Path("d/part-0")));
  EXPECT_THAT(Train("\"nothing-matches-*\"", {"data.train={file: \"" + relative + "/*\"}"}),
              ElementsAre(Path("d/part-0")));
  EXPECT_THAT(Train("\"d\"", {"data.train.file=d"}), ElementsAre(AbsolutePath("", "d")));
}

TEST_F(DataFiles, OfALoadedJobAreNotLookedForAgain) {
  Make({"d/part-0", "d/a[1].csv", "t"});
  const Job job = Load("train { file: \"d\" } test { file: \"t\" }");
  const std::string text = JobToText(job);
  Make({"d/part-1", "d/a1.csv"});
  fs::remove(Path("d/a[1].csv"));
  const Job again = ParseLoadedJob(text, "again", "/elsewhere", {});
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(again, job));
  const Job other =
      ParseLoadedJob(text, "again", "/elsewhere", Strings{"data.test.file=" + Path("d/p*")});
  EXPECT_THAT(other.data().test().file(), ElementsAre(Path("d/part-0"), Path("d/part-1")));
  EXPECT_THAT(other.data().train().file(), ElementsAre(Path("d/a[1].csv"), Path("d/part-0")));
}

TEST_F(DataFiles, NamesOfNoFileAreRefused) {
  fs::create_directory(Path("empty"));
  Make({"hidden/_SUCCESS", "plain"});
  folder_.Write("none.txt", "# nothing\n\n");
  folder_.Write("bad.txt", "plain\nempty\n");
  fs::create_symlink("nowhere", Path("broken"));
  const std::string place = "job:3: data.train.file[0]: ";
  EXPECT_EQ(TrainError("\"empty\""),
            place + Path("empty") + ": holds no file, expected at least one");
  EXPECT_EQ(TrainError("\"hidden/\""),
            place + Path("hidden") + ": holds no file, expected at least one");
  EXPECT_EQ(TrainError("\"*.csv\""),
            place + Path("*.csv") + ": matches no file, expected at least one");
  EXPECT_EQ(TrainError("[\"plain\", \"emp*\"]"), "job:3: data.train.file[1]: " + Path("emp*") +
                                                     ": matches no file, expected at least one");
  EXPECT_EQ(TrainError("\"@none.txt\""),
            place + Path("none.txt") + ": names no file, expected one a line");
  EXPECT_EQ(TrainError("\"@bad.txt\""), place + Path("bad.txt") + ":2: " + Path("empty") +
                                            ": holds no file, expected at least one");
  EXPECT_THAT(TrainError("\"@gone.txt\""), StartsWith(place + Path("gone.txt") + ": cannot open"));
  EXPECT_THAT(TrainError("\"broken\""),
              StartsWith(place + Path("broken") + ": is a link that leads nowhere"));
  EXPECT_EQ(TrainError("\"gone/\""),
            place + Path("gone") + "/: No such file or directory, expected a folder");
  EXPECT_EQ(TrainError("\"plain/\""),
            place + Path("plain") + "/: is a file, expected a folder or no / at the end");
  EXPECT_EQ(TrainError("\"@\""), place + "is \"@\", expected the name of a list behind it");
  EXPECT_EQ(TrainError("\"plain\"", {"data.train.file=" + Path("q*")}),
            "--set data.train.file=" + Path("q*") + ": data.train.file[0]: " + Path("q*") +
                ": matches no file, expected at least one");
}

TEST_F(DataFiles, LinesOfAListAreChecked) {
  Make({"a"});
  const auto error = [&](const std::string& list) {
    folder_.Write("list.txt", list);
    const std::string line = TrainError("\"@list.txt\"");
    const std::string place = "job:3: data.train.file[0]: " + Path("list.txt") + ":";
    EXPECT_THAT(line, StartsWith(place));
    return line.substr(std::min(place.size(), line.size()));
  };
  EXPECT_EQ(error("a\n@list.txt\n"),
            "2: is \"@list.txt\", a list in a list, expected a file's name");
  EXPECT_EQ(error("s3a://b/x\n"), "1: is \"s3a://b/x\", which is on s3a" + kExpectedPath);
  EXPECT_EQ(error("\nb\xff\n"), "2: is \"b\\xff\", which is not UTF-8, expected a list in UTF-8");
  EXPECT_EQ(error(std::string("b\0c", 3)),
            "1: is \"" + Path("b") + "\\x00c\", expected a file's name");
  EXPECT_EQ(error("a\na\n"), "2: names " + Path("a") + " twice, expected each file once");
  EXPECT_THAT(error(std::string(5000, 'a')), HasSubstr(" bytes with its folder, expected at most"));
}

TEST_F(DataFiles, FilesNamedTwiceAreRefusedUnlessPlainly) {
  Make({"d/a", "d/b"});
  const std::string a = Path("d/a");
  EXPECT_THAT(Train("[\"d/a\", \"d/a\"]"), ElementsAre(a, a));
  EXPECT_EQ(TrainError("[\"d/a\", \"d\"]"),
            "job:3: data.train.file[1]: names " + a + ", as file[0] does, expected each file once");
  EXPECT_EQ(TrainError("[\"d/*\", \"./d/a\"]"),
            "job:3: data.train.file[1]: names " + a + ", as file[0] does, expected each file once");
  EXPECT_THAT(TrainError("[\"d\", \"d\"]"), HasSubstr("names " + a + ", as file[0] does"));
  fs::create_symlink("a", Path("d/latest"));
  EXPECT_EQ(TrainError("\"d\""), "job:3: data.train.file[0]: names " + Path("d/latest") +
                                     " (by a link " + a + ") twice, expected each file once");
  EXPECT_EQ(ErrorOf("train { file: \"d/a*\" } test { file: \"d/a*\" }"), "no error");
}

TEST_F(DataFiles, StandardInputIsTheOnlyFileOfTrainOrTest) {
  Make({"a", "j"}, "user,click\n1,1\n");
  EXPECT_THAT(Train("\"-\""), ElementsAre("-"));
  EXPECT_THAT(Train("\"a\"", {"data.train.file=-"}), ElementsAre("-"));
  EXPECT_THAT(Train("\"./-\""), ElementsAre(Path("-"))) << "a file that is called so";
  const Job job = Load("train { file: \"a\" } test { file: \"-\" }");
  EXPECT_EQ(ParseLoadedJob(JobToText(job), "again", "/elsewhere", {}).data().test().file(0), "-");
  EXPECT_EQ(TrainError("[\"a\", \"-\"]"),
            "job:3: data.train.file[1]: is \"-\", standard input, expected it to be the only file");
  EXPECT_THAT(ErrorOf("train { file: \"a\" } validation { file: \"-\" }"),
              HasSubstr("data.validation.file[0]: is \"-\", standard input, which data.train"));
  EXPECT_THAT(ErrorOf("train { file: \"a\" } join { file: \"-\" column: \"user\" }"),
              HasSubstr("data.join[0].file[0]: is \"-\", standard input, which data.train"));
}

TEST_F(DataFiles, UrlsOfOtherPlacesAreRefused) {
  for (const std::string scheme : {"s3a", "http", "https", "S3"}) {
    const std::string url = scheme + "://bucket/x";
    EXPECT_EQ(TrainError("\"" + url + "\""), "job:3: data.train.file[0]: is \"" + url +
                                                 "\", which is on " + scheme + kExpectedPath);
  }
  EXPECT_THAT(TrainError("\"a\"", {"data.train.file=https://bucket/*"}), HasSubstr("is on https"));
  EXPECT_THAT(TrainError("\"@s3://bucket/list\""),
              HasSubstr("is \"@s3://bucket/list\", a list on s3, expected a list on this host"));
  EXPECT_THAT(TrainError("\"file:///a\""),
              HasSubstr("is \"file:///a\", expected the path without file://"));
  EXPECT_THAT(TrainError("\"a\"", {"train.warm_start={model: \"s3://bucket/model\"}"}),
              HasSubstr("train.warm_start.model: is \"s3://bucket/model\", which is on s3"));
  EXPECT_EQ(TrainError("\"./s3:/bucket\""), "no error");
  // A manifest that another program made.
  EXPECT_THROW(ParseLoadedJob(TextOf("train { file: \"s3a://bucket/x\" }"), "manifest", "/", {}),
               Error);
}

TEST_F(DataFiles, UrlsOfPlacesThatArrowReachesNeedItsPlugin) {
  const std::string place = "job:3: data.train.file[0]: ";
  EXPECT_EQ(TrainError("\"s3:///x\""),
            place + "is \"s3:///x\", expected a bucket, as in s3://bucket/clicks.csv");
  EXPECT_THAT(TrainError("\"s3://key:secret@bucket/x\""),
              StartsWith(place + "names credentials, which would be kept with the model"));
  // They are not looked for again.
  const std::string url = "s3://bucket/a b.csv?region=x";
  EXPECT_EQ(ParseLoadedJob(TextOf("train { file: \"" + url + "\" }"), "manifest", "/", {})
                .data()
                .train()
                .file(0),
            url);
  if (worker::data::LoadArrowLibrary().plugin != nullptr) GTEST_SKIP() << "the plugin is there";
  for (const std::string name : {"s3://bucket/x", "s3://bucket/", "gs://bucket/*", "hdfs:///x"}) {
    EXPECT_THAT(TrainError("\"" + name + "\""),
                AllOf(StartsWith(place + name), HasSubstr(", which needs the plugin")));
  }
}

TEST_F(DataFiles, NamesThatAreNotUtf8AreRefused) {
  Make({"d/a\xff"});
  EXPECT_EQ(TrainError("\"d\""), "job:3: data.train.file[0]: " + Path("d/a") +
                                     "\\xff: its name is not UTF-8, expected UTF-8");
}

TEST_F(DataFiles, OfAListAreLimited) {
  std::string list;
  for (int i = 0; i <= 200'000; ++i) list += std::to_string(i) + "\n";
  folder_.Write("list.txt", list);
  EXPECT_THAT(TrainError("\"@list.txt\""),
              HasSubstr("list.txt:200001: is one of more than 200000 files"));
  // A manifest has four characters for each byte that is not ASCII, and a training file twice.
  std::string name;
  for (int i = 0; i < 80; ++i) name += "知";
  list.clear();
  for (int i = 0; i < 25'500; ++i) list += name + std::to_string(i) + "\n";
  folder_.Write("list.txt", list);
  EXPECT_THAT(TrainError("\"@list.txt\""),
              HasSubstr("job:1: data: has names of files that take 5"));
  EXPECT_EQ(Load("train { file: \"a\" } test { file: \"@list.txt\" }").data().test().file_size(),
            25'500);
}

}  // namespace
}  // namespace zhiyin::launch::job
