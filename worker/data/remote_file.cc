#include "worker/data/remote_file.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/file.h"
#include "common/text.h"
#include "worker/data/format/arrow_library.h"

namespace zhiyin::worker::data {
namespace {

/// Those of Arrow's file systems.
constexpr std::string_view kRemoteSchemes[] = {"s3",     "gs",   "gcs",  "hdfs",
                                               "viewfs", "abfs", "abfss"};
constexpr size_t kMaxRemoteNameBytes = 4095;
constexpr size_t kMaxRemoteErrorBytes = 2048;
constexpr auto kStampAge = std::chrono::seconds(1);

/// The plugin. Throws Error where there is none.
const ZhiyinArrowPlugin& PluginFor(const std::string& name) {
  const ArrowLibrary library = LoadArrowLibrary();
  if (library.plugin == nullptr)
    Fail(name, ": is on ", SchemeOf(name), ", which ", library.trouble);
  return *library.plugin;
}

/// Calls a function of the plugin; throws Error where it fails, which says what was expected.
template <typename Call>
void CallPlugin(const std::string& name, const char* expected, const Call& call) {
  std::array<char, kMaxRemoteErrorBytes> error = {};
  if (call(error.data(), error.size()) != 0)
    Fail(name, ": ", error.data(), ", expected ", expected);
}

RemoteEntry EntryOf(const ZhiyinRemoteEntry& entry) {
  using Kind = RemoteEntry::Kind;
  const Kind kind = entry.kind == kZhiyinRemoteFile     ? Kind::kFile
                    : entry.kind == kZhiyinRemoteFolder ? Kind::kFolder
                                                        : Kind::kNothing;
  return {entry.name == nullptr ? "" : entry.name, kind, {entry.n_bytes, entry.mtime_ns, 0}};
}

class RemoteFile : public RawFile {
 public:
  explicit RemoteFile(std::string name) : name_(std::move(name)), plugin_(PluginFor(name_)) {
    ZhiyinRemoteEntry entry = {};
    CallPlugin(name_, "a file that can be read", [&](char* error, size_t n_error) {
      return plugin_.open_remote(name_.c_str(), &file_, &entry, error, n_error);
    });
    stamp_ = EntryOf(entry).stamp;
    n_bytes_ = stamp_.n_bytes;
    stamped_ = Clock::now();
  }
  ~RemoteFile() override { plugin_.close_remote(file_); }
  RemoteFile(const RemoteFile&) = delete;
  RemoteFile& operator=(const RemoteFile&) = delete;

  size_t ReadAt(int64_t offset, char* to, size_t n) override {
    size_t n_done = 0;
    while (n_done < n) {
      const int64_t at = offset + static_cast<int64_t>(n_done);
      const int64_t in_held = at - held_begin_;
      if (in_held < 0 || in_held >= static_cast<int64_t>(held_.size())) {
        if (at >= n_bytes_) break;
        Fetch(at, static_cast<int64_t>(n - n_done));
        if (held_.empty()) break;
        continue;
      }
      const size_t n_here = std::min(n - n_done, held_.size() - static_cast<size_t>(in_held));
      std::memcpy(to + n_done, held_.data() + in_held, n_here);
      n_done += n_here;
    }
    return n_done;
  }

  FileStamp Stamp() override {
    if (Clock::now() - stamped_ < kStampAge) return stamp_;
    const RemoteEntry entry = LookAtRemote(name_);
    if (entry.kind != RemoteEntry::Kind::kFile)
      Fail(name_, ": is no longer there, expected a file that stays as it is");
    stamp_ = entry.stamp;
    stamped_ = Clock::now();
    return stamp_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// Replaces what is held by the bytes from `at` on, of which n are wanted. REQUIRES: the file has
  /// some.
  void Fetch(int64_t at, int64_t n) {
    const bool is_next = at == held_begin_ + static_cast<int64_t>(held_.size());
    n_in_order_ = is_next ? n_in_order_ : 0;
    const int64_t n_ahead = std::clamp(n_in_order_ / 4, kMinAheadBytes, kMaxAheadBytes);
    const int64_t n_most = std::min(std::max(n, n_ahead), n_bytes_ - at);
    held_begin_ = at;
    held_.resize(static_cast<size_t>(n_most));
    int64_t n_read = 0;
    CallPlugin(TextOf(name_, ": at byte ", at), "to read on", [&](char* error, size_t n_error) {
      return plugin_.read_remote(file_, at, held_.data(), n_most, &n_read, error, n_error);
    });
    held_.resize(static_cast<size_t>(std::clamp<int64_t>(n_read, 0, n_most)));
    n_in_order_ += n_read;
  }

  std::string name_;
  const ZhiyinArrowPlugin& plugin_;
  ZhiyinRemoteFile* file_ = nullptr;
  int64_t n_bytes_ = 0;
  FileStamp stamp_;
  Clock::time_point stamped_;
  std::vector<char> held_;
  int64_t held_begin_ = 0;
  int64_t n_in_order_ = 0;  // bytes that were read in order
};

}  // namespace

bool IsRemote(std::string_view name) {
  return std::ranges::find(kRemoteSchemes, SchemeOf(name)) != std::end(kRemoteSchemes);
}

std::string WrongRemoteName(const std::string& name) {
  const RemoteName parts(name);
  const std::string_view authority =
      std::string_view(parts.root).substr(SchemeOf(name).size() + std::string_view("://").size());
  if (name.size() > kMaxRemoteNameBytes)
    return TextOf("has ", name.size(), " bytes, expected at most ", kMaxRemoteNameBytes);
  if (name.find('\0') != name.npos) return TextOf("is \"", name, "\", expected a file's name");
  if (authority == "/" && !name.starts_with("hdfs") && !name.starts_with("viewfs"))
    return TextOf("is \"", name, "\", expected a bucket, as in s3://bucket/clicks.csv");
  if (authority.find('@') < authority.size() && authority.find(':') < authority.find('@'))
    return TextOf("names credentials, which would be kept with the model, expected them in the ",
                  "environment");
  if (parts.path.empty() || parts.path.ends_with('/'))
    return TextOf("is \"", name, "\", expected a file's name");
  return "";
}

RemoteName::RemoteName(const std::string& name) {
  const size_t end = std::min(name.find('?'), name.size());
  const size_t authority = SchemeOf(name).size() + std::string_view("://").size();
  const size_t slash = std::min(name.find('/', authority), end);
  root = name.substr(0, slash) + "/";
  path = slash < end ? name.substr(slash + 1, end - slash - 1) : "";
  options = name.substr(end);
}

std::string RemoteName::With(const std::string& other_path) const {
  return root + other_path + options;
}

RemoteEntry LookAtRemote(const std::string& name) {
  const ZhiyinArrowPlugin& plugin = PluginFor(name);
  ZhiyinRemoteEntry entry = {};
  CallPlugin(name, "a place that can be reached", [&](char* error, size_t n_error) {
    return plugin.look_at_remote(name.c_str(), &entry, error, n_error);
  });
  return EntryOf(entry);
}

std::vector<RemoteEntry> ListRemote(const std::string& name, bool recursive) {
  const ZhiyinArrowPlugin& plugin = PluginFor(name);
  std::vector<RemoteEntry> entries;
  CallPlugin(name, "a folder that can be read", [&](char* error, size_t n_error) {
    return plugin.list_remote(
        name.c_str(), recursive ? 1 : 0, &entries,
        [](void* all, const ZhiyinRemoteEntry* entry) {
          static_cast<std::vector<RemoteEntry>*>(all)->push_back(EntryOf(*entry));
          return 0;
        },
        error, n_error);
  });
  return entries;
}

std::unique_ptr<RawFile> OpenRemoteFile(const std::string& name) {
  return std::make_unique<RemoteFile>(name);
}

}  // namespace zhiyin::worker::data
