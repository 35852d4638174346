#include "common/file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/support/files.h"

namespace zhiyin {
namespace {

using ::testing::HasSubstr;
using testing::TempFolder;
using ::testing::ThrowsMessage;

TEST(File, ANamedPipeIsRefusedAtOnce) {
  const TempFolder folder;
  const std::string pipe = folder.Path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT([&] { ReadWholeFile(pipe, 100); },
              ThrowsMessage<Error>(HasSubstr(pipe + ": not a file, expected one")));
}

TEST(File, AFailedRenameLeavesNothing) {
  const TempFolder folder;
  std::filesystem::create_directory(folder.Path("target"));
  folder.Write("target/file", "a folder that is not empty cannot be replaced by a file");
  EXPECT_THROW(ReplaceFile(folder.Path("target"), "content"), FileError);
  int n = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.Path())) {
    ++n;
    EXPECT_EQ(entry.path().filename(), "target");
  }
  EXPECT_EQ(n, 1);
}

TEST(File, RelativePathsBeginInTheFolder) {
  EXPECT_EQ(AbsolutePath("/a/b", "c/../d.csv"), "/a/b/d.csv");
  EXPECT_EQ(AbsolutePath("/a/b", "/e.csv"), "/e.csv");
}

TEST(File, UrlsHaveASchemeAndPathsHaveNone) {
  EXPECT_EQ(SchemeOf("s3://bucket/x"), "s3");
  EXPECT_EQ(SchemeOf("HDFS://host:9000/x"), "HDFS");
  EXPECT_EQ(SchemeOf("svn+ssh://x"), "svn+ssh");
  for (const char* path :
       {"", "a", "/a", "s3:/bucket", "./s3://bucket", "a/s3://b", "://x", ".x://y"})
    EXPECT_EQ(SchemeOf(path), "") << path;
}

}  // namespace
}  // namespace zhiyin
