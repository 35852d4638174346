// Files of the places that Arrow's file systems reach: s3://bucket/key and the like.
//
// A URL is SCHEME://AUTHORITY/PATH?OPTIONS. The path is taken as it stands, without any %20: it
// ends at the first question mark.
#pragma once

#include <arrow/filesystem/filesystem.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <memory>
#include <string>
#include <string_view>

#include "worker/data/format/arrow_plugin/interface.h"

namespace zhiyin::worker::data::format::arrow_plugin {

/// Whether a name is a URL and no path.
inline bool IsUrl(std::string_view name) {
  return name.find("://") != name.npos && !name.starts_with('/');
}

/// A place in a file system.
struct RemotePlace {
  std::shared_ptr<arrow::fs::FileSystem> files;
  std::string path;  // as that file system has it
};

/// Finds the file system of a URL, whose options say how it is reached; the rest is as Arrow finds
/// it, such as credentials in the environment. Each is made once in a process. Any thread.
arrow::Result<RemotePlace> FindRemotePlace(const std::string& url);

/// A file that is open.
struct RemoteFile {
  arrow::fs::FileInfo info;
  std::shared_ptr<arrow::io::RandomAccessFile> bytes;

  static arrow::Result<RemoteFile> Open(const std::string& url);
};

// The functions of the plugin's interface.
int LookAtRemote(const char* url, ZhiyinRemoteEntry* entry, char* error, size_t n_error);
int ListRemote(const char* url, int recursive, void* context, ZhiyinRemoteVisitor visit,
               char* error, size_t n_error);
int OpenRemote(const char* url, ZhiyinRemoteFile** file, ZhiyinRemoteEntry* entry, char* error,
               size_t n_error);
int ReadRemote(ZhiyinRemoteFile* file, int64_t at, void* to, int64_t n, int64_t* n_read,
               char* error, size_t n_error);
void CloseRemote(ZhiyinRemoteFile* file);

}  // namespace zhiyin::worker::data::format::arrow_plugin
