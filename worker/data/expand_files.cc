#include "worker/data/expand_files.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/file.h"
#include "common/utf8.h"
#include "worker/data/check_text.h"
#include "worker/data/find_files.h"
#include "worker/data/find_remote.h"
#include "worker/data/generated/world.h"
#include "worker/data/pipe.h"
#include "worker/data/remote_file.h"

namespace zhiyin::worker::data {
namespace {

namespace fs = std::filesystem;

/// Names of files in a manifest, which has at most 64 MiB, may have this many bytes.
constexpr int64_t kMaxNamesBytes = int64_t{48} << 20;
constexpr int64_t kMaxListBytes = int64_t{64} << 20;

/// Where a file of a split or a join comes from.
struct Origin {
  int index;      // of the name in the config
  bool is_plain;  // the name in the config is that of the file
};

/// Expands the names of one split or join, one after the other. Errors name no place in the config.
class Expansion {
 public:
  /// Adds the files that name number `index` means; it begins in `folder` if it is relative.
  void Add(int index, const std::string& name, const std::string& folder) {
    if (name == kStandardInput) return Put({name, name}, {index, /*is_plain=*/true});
    if (IsRemote(name)) return AddRemote(index, name, /*is_in_config=*/true);
    const std::string path = CheckedPath(name, folder);
    if (AddExisting(index, name, path, /*is_in_config=*/true)) return;
    if (name == "@") Fail("is \"@\", expected the name of a list behind it");
    if (name.starts_with('@')) return AddList(index, CheckedList(name.substr(1), folder));
    if (!AddMatches(index, name, path)) Put({path, path}, {index, /*is_plain=*/true});
  }

  std::vector<std::string> Take() { return std::move(files_); }

 private:
  /// The absolute path of a name, with a / at the end if the name has one.
  static std::string CheckedPath(const std::string& name, const std::string& folder) {
    if (name.empty() || !SchemeOf(name).empty()) Fail(WrongFileName(name));
    const std::string path = AbsolutePath(folder, name);
    const size_t n = path.size() - (path.size() > 1 && path.ends_with('/') ? 1 : 0);
    if (const std::string wrong = WrongFileName(path.substr(0, n)); !wrong.empty()) Fail(wrong);
    return path;
  }

  static std::string CheckedList(const std::string& name, const std::string& folder) {
    if (IsRemote(name))
      Fail("is \"@", name, "\", a list on ", SchemeOf(name), ", expected a list on this host");
    return CheckedPath(name, folder);
  }

  /// Adds what a URL leads to.
  void AddRemote(int index, const std::string& name, bool is_in_config) {
    const RemoteName parts(name);
    std::string path = parts.path;
    while (path.ends_with('/')) path.pop_back();
    // A bucket as a whole is a folder, too.
    if (const std::string wrong = WrongRemoteName(parts.With(path.empty() ? "all" : path));
        !wrong.empty())
      Fail(wrong);
    const std::vector<FoundFile> found = FindRemote(name);
    if (found.size() == 1 && found[0].path == name) return Put(found[0], {index, is_in_config});
    PutAll(index, found,
           name + (HasWildcard(path) ? ": matches no file, expected at least one"
                                     : ": holds no file, expected at least one"));
  }

  /// Adds the file or folder of this very name; false where there is none.
  bool AddExisting(int index, const std::string& name, std::string path, bool is_in_config) {
    const bool is_slashed = path.ends_with('/');
    if (is_slashed) path.pop_back();
    std::error_code error;
    const fs::file_type type = fs::symlink_status(path, error).type();
    if (type == fs::file_type::not_found || type == fs::file_type::none) {
      if (is_slashed && !HasWildcard(name))
        Fail(path, "/: ", error.message(), ", expected a folder");
      return false;
    }
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status))
      Fail(path, ": is a link that leads nowhere (", error.message(), "), expected a file");
    if (fs::is_directory(status)) {
      PutAll(index, FindInFolder(path), path + ": holds no file, expected at least one");
    } else if (is_slashed) {
      Fail(path, "/: is a file, expected a folder or no / at the end");
    } else {
      Put({path, real_paths_.Of(path)}, {index, is_in_config});
    }
    return true;
  }

  /// Adds what matches a pattern; false where it is none.
  bool AddMatches(int index, const std::string& name, const std::string& path) {
    if (!HasWildcard(name)) return false;
    PutAll(index, FindMatches(path), path + ": matches no file, expected at least one");
    return true;
  }

  void AddList(int index, const std::string& list) {
    std::string text = ReadWholeFile(list, kMaxListBytes);
    if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
    const std::string folder = fs::path(list).parent_path().string();
    const size_t n_before = files_.size();
    int line = 0;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      std::string name = text.substr(begin, end - begin);
      begin = end + 1;
      ++line;
      if (name.ends_with('\r')) name.pop_back();
      const size_t first = name.find_first_not_of(" \t");
      if (first == name.npos || name[first] == '#') continue;
      try {
        AddLine(index, name, folder);
      } catch (const Error& e) {
        Fail(list, ":", line, ": ", e.what());
      }
    }
    if (files_.size() == n_before) Fail(list, ": names no file, expected one a line");
  }

  void AddLine(int index, const std::string& name, const std::string& folder) {
    if (FindInvalidUtf8(name) != std::string_view::npos)
      Fail("is \"", name, "\", which is not UTF-8, expected a list in UTF-8");
    if (IsRemote(name)) return AddRemote(index, name, /*is_in_config=*/false);
    const std::string path = CheckedPath(name, folder);
    if (AddExisting(index, name, path, /*is_in_config=*/false)) return;
    if (name.starts_with('@')) Fail("is \"", name, "\", a list in a list, expected a file's name");
    if (!AddMatches(index, name, path)) Put({path, path}, {index, /*is_plain=*/false});
  }

  void PutAll(int index, const std::vector<FoundFile>& found, const std::string& if_none) {
    if (found.empty()) Fail(if_none);
    for (const FoundFile& file : found) Put(file, {index, /*is_plain=*/false});
  }

  void Put(const FoundFile& file, Origin origin) {
    if (FindInvalidUtf8(file.path) != std::string_view::npos)
      Fail(file.path, ": its name is not UTF-8, expected UTF-8");
    if (const std::string wrong = WrongFileName(file.path); !wrong.empty())
      Fail(file.path, ": ", wrong);
    const auto [before, is_new] = places_.try_emplace(file.real, std::pair(files_.size(), origin));
    const auto& [place, other] = before->second;
    if (!is_new && !(origin.is_plain && other.is_plain)) {
      const std::string& path = files_[place];
      Fail("names ", file.path, path == file.path ? "" : " (by a link " + path + ")",
           other.index == origin.index ? " twice"
                                       : ", as file[" + std::to_string(other.index) + "] does",
           ", expected each file once");
    }
    files_.push_back(file.path);
    if (files_.size() > kMaxFoundFiles)
      Fail("is one of more than ", kMaxFoundFiles, " files, expected at most so many");
  }

  std::vector<std::string> files_;
  /// Path without links -> the place in files_ and where it comes from.
  std::unordered_map<std::string, std::pair<size_t, Origin>> places_;
  RealPaths real_paths_;
};

void ExpandList(const config::Checker& check, const config::ConfigPath& path,
                const FileNaming& naming, bool is_generated, FileNames* names) {
  const bool is_overridden = check.IsOverridden(path("file"));
  const std::string folder = is_overridden ? "" : naming.folder;
  if (is_generated || (naming.is_expanded && !is_overridden)) {
    // The check of the job refuses what is no file's name.
    for (std::string& name : *names) {
      if (!name.empty() && name != kStandardInput && SchemeOf(name).empty())
        name = AbsolutePath(folder, name);
    }
    return;
  }
  Expansion expansion;
  for (int i = 0; i < names->size(); ++i) {
    try {
      expansion.Add(i, (*names)[i], folder);
    } catch (const Error& e) {
      check.Fail(path("file", i), e.what());
    }
  }
  const std::vector<std::string> files = expansion.Take();
  names->Assign(files.begin(), files.end());
}

/// About the bytes of the names in the text of a manifest. Training notes in a checkpoint the
/// digests of the files that it reads, under their names.
int64_t BytesInManifest(const FileNames& names, bool has_digests) {
  constexpr int64_t kBytesBeside = 20;
  constexpr int64_t kBytesOfDigest = 100;
  int64_t n_bytes = 0;
  for (const std::string& name : names) {
    // What is not printable ASCII (chars are signed) is written as \ooo.
    const auto is_escaped = [](char c) { return c < ' ' || c == '"' || c == '\'' || c == '\\'; };
    const int64_t n_name =
        static_cast<int64_t>(name.size()) + 3 * std::count_if(name.begin(), name.end(), is_escaped);
    n_bytes += n_name + kBytesBeside + (has_digests ? n_name + kBytesOfDigest : 0);
  }
  return n_bytes;
}

/// A model that could not be saved would be found out after training.
void CheckBytes(const config::Checker& check, const Data& data) {
  int64_t n_bytes = BytesInManifest(data.train().file(), /*has_digests=*/true) +
                    BytesInManifest(data.validation().file(), /*has_digests=*/false) +
                    BytesInManifest(data.test().file(), /*has_digests=*/false);
  for (const Join& join : data.join()) n_bytes += BytesInManifest(join.file(), true);
  if (n_bytes > kMaxNamesBytes) {
    check.Fail(check.root()("data"), "has names of files that take ", n_bytes >> 20,
               " MiB in a saved model, expected at most ", kMaxNamesBytes >> 20,
               ": fewer files, or shorter names");
  }
}

}  // namespace

void ExpandFiles(const config::Checker& check, const FileNaming& naming, Data* data) {
  const config::ConfigPath path = check.root()("data");
  const bool is_generated = ChosenWorld(*data) != nullptr;
  const auto expand = [&](const config::ConfigPath& owner, auto* message) {
    ExpandList(check, owner, naming, is_generated, message->mutable_file());
  };
  if (data->has_train()) expand(path("train"), data->mutable_train());
  if (data->has_validation()) expand(path("validation"), data->mutable_validation());
  if (data->has_test()) expand(path("test"), data->mutable_test());
  for (int i = 0; i < data->join_size(); ++i) expand(path("join", i), data->mutable_join(i));
  CheckBytes(check, *data);
  if (const std::string& model = data->statistics().model();
      !model.empty() && SchemeOf(model).empty()) {
    const bool is_overridden = check.IsOverridden(path("statistics")("model"));
    data->mutable_statistics()->set_model(AbsolutePath(is_overridden ? "" : naming.folder, model));
  }
  if (data->index().empty() || !SchemeOf(data->index()).empty()) return;
  data->set_index(
      AbsolutePath(check.IsOverridden(path("index")) ? "" : naming.folder, data->index()));
}

}  // namespace zhiyin::worker::data
