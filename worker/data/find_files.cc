#include "worker/data/find_files.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "common/error.h"

namespace zhiyin::worker::data {
namespace {

namespace fs = std::filesystem;

bool IsAbsent(const std::error_code& error) {
  return error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory;
}

/// The path of a name in a folder, which may be "/".
std::string Inside(const std::string& folder, const std::string& name) {
  return folder.ends_with('/') ? folder + name : folder + "/" + name;
}

/// What a search was asked for, and how much it may find.
class Search {
 public:
  explicit Search(std::string what) : what_(std::move(what)) {}

  void CheckCount(size_t n) const {
    if (n > kMaxFoundFiles)
      Fail(what_, ": has more than ", kMaxFoundFiles,
           " files or folders, expected at most so many");
  }

  /// The entries of a folder that `wanted` takes, by name; none where it may be absent and is.
  template <typename Wanted>
  std::vector<fs::directory_entry> List(const std::string& folder, bool may_be_absent,
                                        const Wanted& wanted) const {
    std::vector<fs::directory_entry> entries;
    std::error_code error;
    fs::directory_iterator at(folder, error);
    while (!error && at != fs::directory_iterator()) {
      if (wanted(at->path().filename().string())) entries.push_back(*at);
      CheckCount(entries.size());
      at.increment(error);
    }
    if (error && !(may_be_absent && IsAbsent(error)))
      Fail(folder, ": ", error.message(), ", expected a folder that can be read");
    std::sort(entries.begin(), entries.end());
    return entries;
  }

 private:
  std::string what_;
};

/// Collects files and walks through folders.
class Finder {
 public:
  explicit Finder(std::string what) : search_(std::move(what)) {}

  void AddFolder(const std::string& path, const std::string& real) {
    folders_.push_back({path, real, 0});
    while (!folders_.empty()) {
      const Folder next = std::move(folders_.back());
      folders_.pop_back();
      Walk(next);
    }
  }
  void AddFile(const std::string& path, const std::string& real) {
    files_.push_back({path, real});
    search_.CheckCount(files_.size());
  }

  std::vector<FoundFile> Take() {
    const auto by_path = [](const FoundFile& a, const FoundFile& b) { return a.path < b.path; };
    std::sort(files_.begin(), files_.end(), by_path);
    return std::move(files_);
  }

 private:
  struct Folder {
    std::string path;
    std::string real;
    int depth;
  };

  void Walk(const Folder& folder) {
    if (folder.depth > kMaxFolderDepth)
      Fail(folder.path, ": is more than ", kMaxFolderDepth, " folders deep, expected fewer");
    // Links that lead back would be walked through for ever.
    const auto [seen, is_new] = seen_.try_emplace(folder.real, folder.path);
    if (!is_new) {
      Fail(folder.path, ": is the folder ", seen->second,
           " again, by a link, expected each folder once");
    }
    search_.CheckCount(seen_.size());
    const std::vector<fs::directory_entry> entries =
        search_.List(folder.path, /*may_be_absent=*/false,
                     [](const std::string& name) { return !IsHidden(name); });
    // The last one in is the next one out.
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) AddEntry(folder, *entry);
  }

  void AddEntry(const Folder& folder, const fs::directory_entry& entry) {
    const std::string path = entry.path().string();
    std::string real = Inside(folder.real, entry.path().filename().string());
    std::error_code error;
    if (entry.is_symlink(error)) {
      real = fs::canonical(path, error).string();
      if (error)
        Fail(path, ": is a link that leads nowhere (", error.message(), "), expected a file");
    }
    if (entry.is_directory(error)) {
      folders_.push_back({path, real, folder.depth + 1});
      search_.CheckCount(seen_.size() + folders_.size());
    } else if (entry.is_regular_file(error)) {
      AddFile(path, real);
    } else {
      Fail(path, ": is neither a file nor a folder, expected one of them");
    }
  }

  Search search_;
  std::vector<FoundFile> files_;
  std::vector<Folder> folders_;                        // still to be walked through
  std::unordered_map<std::string, std::string> seen_;  // real path -> path of a folder
};

/// The paths that match one name more of the pattern.
std::vector<std::string> Extend(const Search& search, const std::vector<std::string>& paths,
                                const std::string& name) {
  std::vector<std::string> longer;
  for (const std::string& path : paths) {
    const std::string literal = Inside(path, name);
    std::error_code error;
    if (!HasWildcard(name) || fs::exists(fs::symlink_status(literal, error))) {
      longer.push_back(literal);
      continue;
    }
    if (name.find("**") != name.npos) {
      Fail(literal,
           ": has **, expected a * for each folder: a folder is read with all folders "
           "inside it");
    }
    for (const fs::directory_entry& entry :
         search.List(path, /*may_be_absent=*/true,
                     [&](const std::string& entry_name) { return MatchesName(name, entry_name); }))
      longer.push_back(entry.path().string());
    search.CheckCount(longer.size());
  }
  return longer;
}

}  // namespace

std::string RealPaths::Of(const std::string& path) {
  const fs::path whole(path);
  std::error_code error;
  const std::string parent = whole.parent_path().string();
  auto folder = folders_.find(parent);
  if (folder == folders_.end()) {
    const std::string real = fs::canonical(parent, error).string();
    folder = folders_.emplace(parent, error ? parent : real).first;
  }
  if (!fs::is_symlink(fs::symlink_status(whole, error)))
    return Inside(folder->second, whole.filename().string());
  const std::string real = fs::canonical(whole, error).string();
  return error ? path : real;
}

bool HasWildcard(std::string_view name) {
  return name.find_first_of("*?[") != name.npos;
}

bool IsHidden(std::string_view name) {
  return name.starts_with('.') || name.starts_with('_');
}

bool MatchesName(const std::string& pattern, const std::string& name) {
  return (!IsHidden(name) || pattern[0] == name[0]) &&
         fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE | FNM_PERIOD) == 0;
}

std::vector<FoundFile> FindInFolder(const std::string& folder) {
  Finder finder(folder);
  std::error_code error;
  const std::string real = fs::canonical(folder, error).string();
  if (error) Fail(folder, ": ", error.message(), ", expected a folder that can be read");
  finder.AddFolder(folder, real);
  return finder.Take();
}

std::vector<FoundFile> FindMatches(const std::string& pattern) {
  const Search search(pattern);
  std::vector<std::string> paths = {"/"};
  for (const fs::path& part : fs::path(pattern).relative_path()) {
    if (!part.empty()) paths = Extend(search, paths, part.string());
  }
  Finder finder(pattern);
  RealPaths real_paths;
  for (const std::string& path : paths) {
    std::error_code error;
    const bool is_link = fs::is_symlink(fs::symlink_status(path, error));
    const fs::file_status status = fs::status(path, error);
    if (is_link && !fs::exists(status))
      Fail(path, ": is a link that leads nowhere (", error.message(), "), expected a file");
    if (fs::is_directory(status)) {
      finder.AddFolder(path, real_paths.Of(path));
    } else if (!fs::exists(status)) {
      if (!IsAbsent(error)) Fail(path, ": ", error.message(), ", expected a file that can be read");
    } else if (!pattern.ends_with('/')) {
      if (!fs::is_regular_file(status))
        Fail(path, ": is neither a file nor a folder, expected one of them");
      finder.AddFile(path, real_paths.Of(path));
    }
  }
  return finder.Take();
}

}  // namespace zhiyin::worker::data
