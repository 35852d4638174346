#include "worker/data/find_files.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/error.h"
#include "tests/support/files.h"

namespace zhiyin::worker::data {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::ThrowsMessage;

class FindFiles : public ::testing::Test {
 protected:
  /// Makes files in a new tree, with the folders that they need.
  void Make(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      fs::create_directories(fs::path(folder_.Path(name)).parent_path());
      folder_.Write(name, "x\n");
    }
  }
  void Link(const std::string& name, const std::string& target) {
    fs::create_symlink(target, folder_.Path(name));
  }
  /// The paths behind the folder of the test.
  std::vector<std::string> Names(const std::vector<FoundFile>& files) const {
    std::vector<std::string> names;
    for (const FoundFile& file : files)
      names.push_back(
          file.path.substr(folder_.Path().size() + (folder_.Path().ends_with('/') ? 0 : 1)));
    return names;
  }
  std::vector<std::string> In(const std::string& name) const {
    return Names(FindInFolder(folder_.Path(name)));
  }
  std::vector<std::string> Matching(const std::string& pattern) const {
    return Names(FindMatches(folder_.Path(pattern)));
  }
  void ExpectFails(const std::function<void()>& search, const std::string& place,
                   const std::string& what) const {
    EXPECT_THAT(search, ThrowsMessage<Error>(
                            AllOf(HasSubstr(folder_.Path(place) + ": "), HasSubstr(what))));
  }

  testing::TempFolder folder_;
};

TEST_F(FindFiles, InFoldersInsideInBytewiseOrderOfPathsWithoutHiddenOnes) {
  Make({"d/part-10", "d/part-2", "d/Part-3", "d/_SUCCESS", "d/.part-1.crc", "d/a/z", "d/a-b/y",
        "d/_temporary/0/part-7", "d/.git/x", "d/date=2024-05-31/知 道.csv", "e/other"});
  fs::create_directories(folder_.Path("d/nothing/in/here"));
  // "-" is before "/", and capitals before small letters.
  EXPECT_THAT(In("d"), ElementsAre("d/Part-3", "d/a-b/y", "d/a/z", "d/date=2024-05-31/知 道.csv",
                                   "d/part-10", "d/part-2"));
  EXPECT_THAT(In("d/nothing"), IsEmpty());
  EXPECT_THAT(In("d/_temporary"), ElementsAre("d/_temporary/0/part-7")) << "it was asked for";
}

TEST_F(FindFiles, ByPatternsOfFilesAndFolders) {
  Make({"d/a.csv", "d/b.csv", "d/b.tsv", "d/_c.csv", "d/.d.csv", "d/date=1/p", "d/date=2/p",
        "d/date=2/q", "d/other/p"});
  EXPECT_THAT(Matching("d/*.csv"), ElementsAre("d/a.csv", "d/b.csv"));
  EXPECT_THAT(Matching("d/?.[ct]sv"), ElementsAre("d/a.csv", "d/b.csv", "d/b.tsv"));
  EXPECT_THAT(Matching("d/_*.csv"), ElementsAre("d/_c.csv"));
  EXPECT_THAT(Matching("d/.*.csv"), ElementsAre("d/.d.csv"));
  EXPECT_THAT(Matching("d/date=*"), ElementsAre("d/date=1/p", "d/date=2/p", "d/date=2/q"));
  EXPECT_THAT(Matching("d/*/p"), ElementsAre("d/date=1/p", "d/date=2/p", "d/other/p"));
  EXPECT_THAT(Matching("d/[!d]*/"), ElementsAre("d/other/p")) << "folders only";
  EXPECT_THAT(Matching("d/*.json"), IsEmpty());
  EXPECT_THAT(Matching("nowhere/*/*.csv"), IsEmpty());
  EXPECT_THAT(Matching("d/a.csv/*"), IsEmpty());
}

TEST_F(FindFiles, ANameThatExistsIsNoPattern) {
  Make({"[old]/a[1].csv", "[old]/a1.csv", "o/a1.csv"});
  EXPECT_THAT(Matching("[old]/a[1].csv"), ElementsAre("[old]/a[1].csv"));
  EXPECT_THAT(Matching("[old]/a[12].csv"), ElementsAre("[old]/a1.csv"));
  EXPECT_THAT(Matching("[o]/*"), ElementsAre("o/a1.csv"));
}

TEST_F(FindFiles, TwoStarsAreRefused) {
  Make({"d/a/b.csv"});
  ExpectFails([&] { Matching("d/**/b.csv"); }, "d/**", "has **, expected a * for each folder");
}

TEST_F(FindFiles, LinksAreFollowed) {
  Make({"elsewhere/a", "elsewhere/deep/b"});
  fs::create_directory(folder_.Path("d"));
  Link("d/file", folder_.Path("elsewhere/a"));
  Link("d/folder", "../elsewhere/deep");
  EXPECT_THAT(In("d"), ElementsAre("d/file", "d/folder/b"));
  EXPECT_THAT(Matching("d/f*"), ElementsAre("d/file", "d/folder/b"));
  EXPECT_EQ(FindInFolder(folder_.Path("d"))[1].real,
            fs::canonical(folder_.Path("elsewhere/deep/b")).string());
  EXPECT_EQ(FindMatches(folder_.Path("d/f*"))[0].real,
            fs::canonical(folder_.Path("elsewhere/a")).string());
}

TEST_F(FindFiles, ALinkThatLeadsNowhereIsRefused) {
  Make({"d/a"});
  Link("d/gone", "../nothing");
  ExpectFails([&] { In("d"); }, "d/gone", "is a link that leads nowhere (No such file");
  ExpectFails([&] { Matching("d/g*"); }, "d/gone", "is a link that leads nowhere (No such file");
  fs::remove(folder_.Path("d/gone"));
  Link("d/self", "self");
  ExpectFails([&] { In("d"); }, "d/self", "is a link that leads nowhere (Too many levels");
}

TEST_F(FindFiles, LinksToFoldersThatAreThereAlreadyEndTheSearch) {
  Make({"d/a/x", "d/b/y"});
  Link("d/a/up", "..");
  ExpectFails([&] { In("d"); }, "d/a/up",
              "is the folder " + folder_.Path("d") + " again, by a link");
  fs::remove(folder_.Path("d/a/up"));
  Link("d/latest", "b");
  ExpectFails([&] { In("d"); }, "d/latest", "is the folder " + folder_.Path("d/b") + " again");
  ExpectFails([&] { Matching("d/*"); }, "d/latest", "is the folder");
}

TEST_F(FindFiles, DepthHasALimit) {
  std::string deep = "d";
  for (int i = 0; i < kMaxFolderDepth; ++i) deep += "/f";
  Make({deep + "/x"});
  EXPECT_THAT(In("d"), ElementsAre(deep + "/x"));
  Make({deep + "/f/x"});
  ExpectFails([&] { In("d"); }, deep + "/f", "is more than 64 folders deep, expected fewer");
}

TEST_F(FindFiles, WhatIsNeitherFileNorFolderIsRefused) {
  Make({"d/a"});
  ASSERT_EQ(mkfifo(folder_.Path("d/pipe").c_str(), 0600), 0);
  ExpectFails([&] { In("d"); }, "d/pipe", "is neither a file nor a folder");
  ExpectFails([&] { Matching("d/p*"); }, "d/pipe", "is neither a file nor a folder");
}

TEST_F(FindFiles, AFolderThatIsNotThereIsRefused) {
  ExpectFails([&] { In("gone"); }, "gone", "No such file or directory, expected a folder");
}

/// A pattern that some matchers take exponential time for.
TEST_F(FindFiles, APatternOfManyStarsIsMatchedSoon) {
  Make({"d/" + std::string(200, 'a')});
  std::string pattern;
  for (int i = 0; i < 60; ++i) pattern += "*a";
  EXPECT_THAT(Matching("d/" + pattern + "*b"), IsEmpty());
  EXPECT_THAT(Matching("d/" + pattern + "*"), ElementsAre("d/" + std::string(200, 'a')));
}

TEST_F(FindFiles, RealPathsOfLinksAndOfWhatIsNotThere) {
  Make({"d/a"});
  Link("l", "d");
  Link("d/b", "a");
  const std::string real = fs::canonical(folder_.Path("d/a")).string();
  RealPaths paths;
  EXPECT_EQ(paths.Of(folder_.Path("d/a")), real);
  EXPECT_EQ(paths.Of(folder_.Path("l/a")), real);
  EXPECT_EQ(paths.Of(folder_.Path("l/b")), real);
  EXPECT_EQ(paths.Of("/nowhere/x"), "/nowhere/x");
}

}  // namespace
}  // namespace zhiyin::worker::data
