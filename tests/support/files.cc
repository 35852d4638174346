#include "tests/support/files.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <fstream>
#include <sstream>

namespace zhiyin::testing {

TempFolder::TempFolder(Where where) {
  constexpr char kMemory[] = "/dev/shm";
  const bool in_memory = where == kInMemory && access(kMemory, W_OK) == 0;
  const std::filesystem::path parent = in_memory ? kMemory : std::filesystem::temp_directory_path();
  std::string name = (parent / "zhiyin-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "cannot make " << name;
  folder_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string TempFolder::Path(std::string_view name) const {
  return (folder_ / name).string();
}

std::string TempFolder::Write(std::string_view name, std::string_view content) const {
  const std::string path = Path(name);
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

std::string TempFolder::WriteGzip(std::string_view name, std::string_view content) const {
  const std::string path = Path(name);
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
  return path;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::string SourcePath(std::string_view relative) {
  return (std::filesystem::path(ZHIYIN_SOURCE_DIR) / relative).string();
}

}  // namespace zhiyin::testing
