#include "worker/data/format/arrow_plugin/remote.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <system_error>
#include <utility>

#include "worker/data/format/arrow_plugin/guarded.h"

namespace zhiyin::worker::data::format::arrow_plugin {
namespace {

namespace fs = arrow::fs;

/// Where Linux distributions keep the certificates of authorities: the library in the wheel looks
/// elsewhere.
constexpr const char* kCertificates[] = {"/etc/ssl/certs/ca-certificates.crt",
                                         "/etc/pki/tls/certs/ca-bundle.crt",
                                         "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                         "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};

bool IsThere(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

/// S3 is in a library of its own, beside Arrow's: libarrow_s3.so.2600 beside libarrow.so.2600. In
/// earlier versions it is in Arrow's.
arrow::Status LoadS3() {
  Dl_info arrow_library;
  if (dladdr(reinterpret_cast<void*>(&fs::LoadFileSystemFactories), &arrow_library) == 0)
    return arrow::Status::OK();
  const std::filesystem::path path = arrow_library.dli_fname;
  const std::string prefix = "libarrow";
  const std::string name = path.filename().string();
  if (!name.starts_with(prefix + ".so")) return arrow::Status::OK();
  const std::filesystem::path s3 =
      path.parent_path() / (prefix + "_s3" + name.substr(prefix.size()));
  return IsThere(s3) ? fs::LoadFileSystemFactories(s3.c_str()) : arrow::Status::OK();
}

/// A URL without its path, and that path.
struct UrlParts {
  std::string scheme;
  std::string root;  // SCHEME://AUTHORITY/?OPTIONS
  std::string path;  // without / at its ends
};

UrlParts SplitUrl(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t options = std::min(url.find('?'), url.size());
  const size_t authority = std::min(url.find('/', scheme + 3), options);
  UrlParts parts = {url.substr(0, scheme), url.substr(0, authority) + "/" + url.substr(options),
                    url.substr(authority, options - authority)};
  while (parts.path.starts_with('/')) parts.path.erase(0, 1);
  while (parts.path.ends_with('/')) parts.path.pop_back();
  return parts;
}

/// The file systems of this process, by the roots of their URLs.
class FileSystems {
 public:
  arrow::Result<RemotePlace> Find(const std::string& url) {
    const UrlParts parts = SplitUrl(url);
    const std::lock_guard lock(mutex_);
    auto known = by_root_.find(parts.root);
    if (known == by_root_.end()) {
      ARROW_RETURN_NOT_OK(Prepare(parts.scheme));
      RemotePlace root;
      ARROW_ASSIGN_OR_RAISE(root.files, fs::FileSystemFromUri(parts.root, &root.path));
      while (root.path.ends_with('/')) root.path.pop_back();
      known = by_root_.emplace(parts.root, std::move(root)).first;
      // S3 must be ended before the process, and before what it has just registered for its end.
      std::atexit([] { Instance().End(); });
    }
    RemotePlace place = known->second;
    if (!parts.path.empty() || place.path.empty()) place.path += "/" + parts.path;
    return place;
  }

  static FileSystems& Instance() {
    static FileSystems all;
    return all;
  }

 private:
  arrow::Status Prepare(const std::string& scheme) {
    if (!is_begun_) {
      is_begun_ = true;
      for (const char* certificates : kCertificates) {
        if (!IsThere(certificates)) continue;
        ARROW_RETURN_NOT_OK(fs::Initialize({certificates, ""}));
        break;
      }
    }
    if (scheme != "s3" || is_s3_loaded_) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(LoadS3());
    is_s3_loaded_ = true;
    return arrow::Status::OK();
  }
  void End() {
    const std::lock_guard lock(mutex_);
    by_root_.clear();
    if (!is_ended_) fs::EnsureFinalized();
    is_ended_ = true;
  }

  std::mutex mutex_;
  std::map<std::string, RemotePlace> by_root_;
  bool is_begun_ = false;
  bool is_s3_loaded_ = false;
  bool is_ended_ = false;
};

ZhiyinRemoteEntry EntryOf(const fs::FileInfo& info, const char* name) {
  const int32_t kind = info.IsFile()        ? kZhiyinRemoteFile
                       : info.IsDirectory() ? kZhiyinRemoteFolder
                                            : kZhiyinRemoteNothing;
  const bool has_time = info.mtime() != fs::kNoTime;
  return {name, kind, info.IsFile() ? info.size() : 0,
          has_time ? static_cast<int64_t>(info.mtime().time_since_epoch().count()) : 0};
}

RemoteFile* FileOf(ZhiyinRemoteFile* file) {
  return reinterpret_cast<RemoteFile*>(file);
}

}  // namespace

arrow::Result<RemotePlace> FindRemotePlace(const std::string& url) {
  return FileSystems::Instance().Find(url);
}

arrow::Result<RemoteFile> RemoteFile::Open(const std::string& url) {
  ARROW_ASSIGN_OR_RAISE(const RemotePlace place, FindRemotePlace(url));
  RemoteFile file;
  ARROW_ASSIGN_OR_RAISE(file.info, place.files->GetFileInfo(place.path));
  if (!file.info.IsFile())
    return arrow::Status::IOError(file.info.IsDirectory() ? "is a folder" : "is not there");
  ARROW_ASSIGN_OR_RAISE(file.bytes, place.files->OpenInputFile(file.info));
  return file;
}

int LookAtRemote(const char* url, ZhiyinRemoteEntry* entry, char* error, size_t n_error) {
  return Guarded(error, n_error, [&] {
    ARROW_ASSIGN_OR_RAISE(const RemotePlace place, FindRemotePlace(url));
    ARROW_ASSIGN_OR_RAISE(const fs::FileInfo info, place.files->GetFileInfo(place.path));
    *entry = EntryOf(info, "");
    return arrow::Status::OK();
  });
}

int ListRemote(const char* url, int recursive, void* context, ZhiyinRemoteVisitor visit,
               char* error, size_t n_error) {
  return Guarded(error, n_error, [&] {
    ARROW_ASSIGN_OR_RAISE(const RemotePlace place, FindRemotePlace(url));
    fs::FileSelector folder;
    folder.base_dir = place.path;
    folder.recursive = recursive != 0;
    ARROW_ASSIGN_OR_RAISE(const fs::FileInfoVector found, place.files->GetFileInfo(folder));
    const size_t n_folder = place.path.size() + (place.path.ends_with('/') ? 0 : 1);
    for (const fs::FileInfo& info : found) {
      if (info.path().size() <= n_folder) continue;
      const ZhiyinRemoteEntry entry = EntryOf(info, info.path().c_str() + n_folder);
      if (visit(context, &entry) != 0) break;
    }
    return arrow::Status::OK();
  });
}

int OpenRemote(const char* url, ZhiyinRemoteFile** file, ZhiyinRemoteEntry* entry, char* error,
               size_t n_error) {
  return Guarded(error, n_error, [&] {
    ARROW_ASSIGN_OR_RAISE(RemoteFile opened, RemoteFile::Open(url));
    *entry = EntryOf(opened.info, "");
    *file = reinterpret_cast<ZhiyinRemoteFile*>(new RemoteFile(std::move(opened)));
    return arrow::Status::OK();
  });
}

int ReadRemote(ZhiyinRemoteFile* file, int64_t at, void* to, int64_t n, int64_t* n_read,
               char* error, size_t n_error) {
  return Guarded(error, n_error, [&] {
    ARROW_ASSIGN_OR_RAISE(*n_read, FileOf(file)->bytes->ReadAt(at, n, to));
    return arrow::Status::OK();
  });
}

void CloseRemote(ZhiyinRemoteFile* file) {
  delete FileOf(file);
}

}  // namespace zhiyin::worker::data::format::arrow_plugin
