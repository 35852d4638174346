#include "worker/data/find_remote.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/error.h"
#include "worker/data/remote_file.h"

namespace zhiyin::worker::data {
namespace {

using RemoteKind = RemoteEntry::Kind;

/// A path in a place, which may be of a file or a folder.
struct RemotePath {
  std::string path;
  RemoteKind kind = RemoteKind::kNothing;  // or not known
};

std::string RemotePathInside(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder + "/" + name;
}

/// Whether a path within a folder has a name that is left out there.
bool HasHiddenPart(std::string_view path) {
  while (true) {
    if (IsHidden(path)) return true;
    const size_t slash = path.find('/');
    if (slash == path.npos) return false;
    path.remove_prefix(slash + 1);
  }
}

class RemoteFinder {
 public:
  explicit RemoteFinder(const std::string& name) : name_(name), place_(name) {
    is_slashed_ = place_.path.ends_with('/');
    while (place_.path.ends_with('/')) place_.path.pop_back();
  }

  std::vector<FoundFile> Find() {
    const RemoteEntry literal = LookAt(place_.path);
    if (literal.kind != RemoteKind::kNothing) {
      Add({place_.path, literal.kind});
      if (is_slashed_ && literal.kind == RemoteKind::kFile)
        Fail(name_, ": is a file, expected a folder or no / at the end");
    } else if (!HasWildcard(place_.path)) {
      Fail(name_, ": nothing is there, expected a file or a folder");
    } else if (place_.path.find("**") != place_.path.npos) {
      Fail(name_, ": has **, expected a * for each folder: a folder is read with all folders ",
           "inside it");
    } else {
      for (const RemotePath& match : Match()) Add(match);
    }
    std::sort(found_.begin(), found_.end());
    std::vector<FoundFile> files;
    for (const std::string& path : found_) files.push_back({place_.With(path), place_.With(path)});
    return files;
  }

 private:
  RemoteEntry LookAt(const std::string& path) const { return LookAtRemote(place_.With(path)); }

  void CheckCount(size_t n) const {
    if (n > kMaxFoundFiles)
      Fail(name_, ": has more than ", kMaxFoundFiles,
           " files or folders, expected at most so many");
  }

  void AddFile(const std::string& path) {
    if (path.find('?') != path.npos)
      Fail(place_.root, path, ": has a ? in its name, where options begin, expected none");
    found_.push_back(path);
    CheckCount(found_.size());
  }

  /// Adds a file, or all files in a folder.
  void Add(const RemotePath& what) {
    if (what.kind == RemoteKind::kFile) return AddFile(what.path);
    for (const RemoteEntry& entry : ListRemote(place_.With(what.path), /*recursive=*/true)) {
      if (entry.kind == RemoteKind::kFile && !HasHiddenPart(entry.name))
        AddFile(RemotePathInside(what.path, entry.name));
    }
  }

  /// The paths that match the pattern.
  std::vector<RemotePath> Match() const {
    std::vector<RemotePath> matches = {{"", RemoteKind::kFolder}};
    std::string_view rest = place_.path;
    while (!rest.empty() && !matches.empty()) {
      const size_t n = std::min(rest.find('/'), rest.size());
      const std::string part(rest.substr(0, n));
      rest.remove_prefix(std::min(n + 1, rest.size()));
      if (!part.empty()) matches = Extend(matches, part, /*is_last=*/rest.empty());
    }
    if (is_slashed_)
      std::erase_if(matches,
                    [](const RemotePath& match) { return match.kind == RemoteKind::kFile; });
    return matches;
  }

  /// The paths that match one name more of the pattern.
  std::vector<RemotePath> Extend(const std::vector<RemotePath>& folders, const std::string& part,
                                 bool is_last) const {
    std::vector<RemotePath> longer;
    for (const RemotePath& folder : folders) {
      const std::string literal = RemotePathInside(folder.path, part);
      if (!HasWildcard(part)) {
        const RemoteKind kind = LookAt(literal).kind;
        if (kind == RemoteKind::kFolder || (is_last && kind == RemoteKind::kFile))
          longer.push_back({literal, kind});
        continue;
      }
      for (const RemoteEntry& entry : ListRemote(place_.With(folder.path), /*recursive=*/false)) {
        if (!MatchesName(part, entry.name)) continue;
        if (entry.kind == RemoteKind::kFolder || (is_last && entry.kind == RemoteKind::kFile))
          longer.push_back({RemotePathInside(folder.path, entry.name), entry.kind});
      }
      CheckCount(longer.size());
    }
    return longer;
  }

  std::string name_;
  RemoteName place_;  // its path without / at the end
  bool is_slashed_ = false;
  std::vector<std::string> found_;  // paths
};

}  // namespace

std::vector<FoundFile> FindRemote(const std::string& name) {
  return RemoteFinder(name).Find();
}

}  // namespace zhiyin::worker::data
