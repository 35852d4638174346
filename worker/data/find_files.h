// Looks for data files on this host: all files in a folder, or those whose names match a pattern.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace zhiyin::worker::data {

/// The most files that are found at once, and the most folders that are looked through for them.
inline constexpr size_t kMaxFoundFiles = 200'000;
/// The most folders inside one another.
inline constexpr int kMaxFolderDepth = 64;

struct FoundFile {
  std::string path;  // by way of the folder or the pattern that was asked for
  std::string real;  // the path without links, which is equal for two paths to one file
};

/// Paths without links. It remembers folders, so that each further file of one takes a single
/// system call. Used by one thread.
class RealPaths {
 public:
  /// The path without links; `path` itself where nothing is there or a folder cannot be looked
  /// into. REQUIRES: the path is absolute.
  std::string Of(const std::string& path);

 private:
  std::unordered_map<std::string, std::string> folders_;  // path -> path without links
};

/// Whether the name has a character that patterns give a meaning to: *, ? or [.
bool HasWildcard(std::string_view name);

/// Whether a name is left out of a folder: it begins with . or _.
bool IsHidden(std::string_view name);
/// Whether a name in a folder matches a pattern without slashes (FindMatches).
bool MatchesName(const std::string& pattern, const std::string& name);

/// Finds the files in a folder and in all folders inside it, in bytewise order of their paths.
/// Files and folders inside it whose names begin with . or _ are left out. Links are followed.
/// Throws Error, which names the place: where a link leads nowhere or to a folder that is there
/// already, where something is neither file nor folder or cannot be read, and beyond the limits
/// above. REQUIRES: the path is absolute and leads to a folder.
std::vector<FoundFile> FindInFolder(const std::string& folder);

/// Finds the files whose paths match a pattern, and those in folders that match, in bytewise order
/// of their paths; none where nothing matches. With a / at the end only folders match. In a name
/// between two slashes, * stands for any bytes, ? for one byte, [...] for one of these (fnmatch);
/// a . or _ at the beginning matches only itself. A name that exists as it is written matches only
/// itself. Throws as FindInFolder does, and where the pattern has **. REQUIRES: the pattern is
/// absolute.
std::vector<FoundFile> FindMatches(const std::string& pattern);

}  // namespace zhiyin::worker::data
