// What workers and servers say to each other: the payload of each frame. Numbers are little-endian; arrays
// are raw.
//
//   kPull, kPeek   Section[n_tables], one a table in order, then the keys of each section in turn (u64)
//   kPullReply     u64 version, then the weights of every fetched section's rows in turn: f32[n_keys * dim]
//   kPush          PushPrelude, then the gradients of every section of the pull in turn: f32[n_keys * dim]
//   kPushReply     nothing
//   kAssign        one Section, its keys, its weights
//   kAssignReply   nothing
//   kSave          text: the full path of the file to write
//   kSaveReply     i64 rows, i64 bytes, u64 digest of the file
//   kReport        nothing
//   kReportReply   ServerReport
//   kShutdown      nothing: the end of a server's loop
//
// A pull leaves the addresses of its rows with the server until the push that names it comes, so that the
// push carries neither keys nor anything to look up. A client has at most kMaxPullsInFlight pulls waiting for
// their push: that bounds what a server keeps, and what is under way to it, whatever its speed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/types.h"

namespace zhiyin::ps {

/// Which rows of one table a request is about.
struct Section {
  TableId table = 0;
  uint32_t flags = 0;  // of SectionFlag
  uint64_t n_keys = 0;
};
static_assert(sizeof(Section) == 16);

enum SectionFlag : uint32_t {
  /// The reply holds the weights. Without it the pull only says which rows the push will be about.
  kFetch = 1,
};

struct PushPrelude {
  uint64_t pull_id = 0;   // request_id of the pull
  uint32_t slice = 0;     // position of these gradients in the step's sum
  uint32_t n_slices = 0;  // how many pushes make up the step
};
static_assert(sizeof(PushPrelude) == 16);

inline constexpr int kMaxPullsInFlight = 32;

/// What a server has counted.
struct ServerReport {
  struct TableCount {
    std::string name;
    int64_t n_rows = 0;
    int64_t n_bytes = 0;  // rows, their optimizer state and the index
  };
  std::vector<TableCount> tables;
  int64_t n_pulled_keys = 0;
  int64_t n_pushed_keys = 0;
  int64_t n_peeked_keys = 0;
  /// [staleness]: pushes that were applied when so many others had been applied since their pull; the last
  /// entry counts all that were staler still.
  std::vector<int64_t> staleness;

  static constexpr size_t kStalenessBins = 65;

  std::string Serialize() const;
  /// Throws Error on bytes that Serialize did not write.
  static ServerReport Parse(std::string_view bytes);
  /// Adds another server's counts; tables match by name.
  void Merge(const ServerReport& other);
};

}  // namespace zhiyin::ps
