// A save in which every server writes a file of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/net/frame.h"

namespace zhiyin::ps::client {

/// The file that a server has written.
struct SavedFile {
  std::string name;  // in the folder of the save
  int64_t n_rows = 0;
  int64_t n_bytes = 0;
  uint64_t digest = 0;      // of its content, as in the manifest
  bool is_changes = false;  // whether it holds only what has changed since the save before
};

/// The state of one save, kept by the Client.
struct SaveCall {
  std::vector<SavedFile> files;  // [server]
  std::vector<uint64_t> ids;     // [server], of the request; 0: answered
  int n_missing = 0;             // answers
  std::string failure;           // "": no server has failed so far

  /// Takes a server's answer; `name`: the rank in words. Throws Error on one that cannot be.
  void Accept(size_t server, const net::Frame& reply, const std::string& name);
};

}  // namespace zhiyin::ps::client
