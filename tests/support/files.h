// Files that live as long as a test.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace zhiyin::testing {

/// A new, empty folder; removed with all it holds.
class TempFolder {
 public:
  enum Where { kOnDisk, kInMemory };  // in memory: where the system has such a place
  explicit TempFolder(Where where = kOnDisk);
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string Path(std::string_view name = "") const;
  /// Writes a file and returns its full path.
  std::string Write(std::string_view name, std::string_view content) const;
  /// The same, compressed.
  std::string WriteGzip(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path folder_;
};

/// The whole file. The test fails when there is none.
std::string ReadFile(const std::string& path);

/// A path in the source tree: SourcePath("configs/census_mmoe.textproto").
std::string SourcePath(std::string_view relative);

}  // namespace zhiyin::testing
