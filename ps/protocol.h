// The protocol between workers and servers: the payload of each frame. Numbers are little-endian;
// arrays are raw.
//
//   kPull, kPeek   Section[n_tables], one for each table in order, then the keys of each section in
//                  turn (u64)
//   kPullReply     ReplyPrelude, then the weights of the rows of every fetched section in turn:
//                  [n_keys * dim]
//   kPush          PushPrelude, then the gradients of every section of the pull in turn:
//                  [n_keys * dim]
//   kPushReply     nothing
//   kAssign        one Section, its keys, its weights (f32)
//   kAssignReply   nothing
//   kSave          text: the full path of the file to write, inside the job's output folder;
//                  from the chief; clock: SaveKind
//   kSaveCut       nothing: the server has received kSave; later pushes are not in the file
//   kSaveReply     when the file is on disk: i64 rows, i64 bytes, u64 digest of the file,
//                  u64 whether it holds only changes; with kSaveFailed as clock, text: the cause
//   kLease         LeaseRequest, to server 0
//   kLeaseReply    LeaseReply
//   kReport        nothing
//   kReportReply   ServerReport
//   kShutdown      nothing: the end of a server's loop; clock = 1 when the job ends early
//
// Weights and gradients are numbers of the table's wire type (common/number.h), each section padded
// to 4 bytes.
//
// The server keeps the addresses of the rows of a pull until the push of that pull arrives, so that
// a push carries no keys and needs no look-ups. A client has at most kMaxPullsInFlight pulls
// waiting for their push; this bounds the memory of a server and the bytes under way to it, at any
// speed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/number.h"
#include "common/types.h"
#include "ps/row_counts.h"
#include "ps/server_stage.h"

namespace zhiyin::ps {

/// The clock of the kSaveReply of a server that could not write its file.
inline constexpr uint64_t kSaveFailed = 1;

/// The rows that a save holds.
enum class SaveKind : uint64_t {
  kModel,    // all rows
  kWhole,    // all rows; from then on the tables record changes, for the next save
  kChanges,  // the rows that have changed since the last save that was not kModel, or all rows of a
             // table that has not recorded changes; from then on the tables record changes again
};

/// The part of a request that is about one table.
struct Section {
  TableId table = 0;
  uint32_t flags = 0;  // of SectionFlag
  uint64_t n_keys = 0;
};
static_assert(sizeof(Section) == 16);

enum SectionFlag : uint32_t {
  /// The reply holds the weights. Without this flag, the pull only names the rows of the push.
  kFetch = 1,
};

struct ReplyPrelude {
  uint64_t n_complete = 0;  // steps that were complete when this was read; 0 at staleness -1
  /// The request's id plus the KeySum of all of its keys; identifies the request that was answered.
  uint64_t key_sum = 0;
};
static_assert(sizeof(ReplyPrelude) == 16);

/// The term of a key in the sum that identifies a request's keys (ReplyPrelude::key_sum).
inline uint64_t KeySum(TableId table, Key key) {
  return key * (2 * uint64_t{table} + 1);
}

struct PushPrelude {
  uint64_t pull_id = 0;   // request_id of the pull; 0: the push carries no gradients
  uint64_t sequence = 0;  // 1, 2, 3, ... from a worker to a server, to detect repeated pushes
  uint32_t slice = 0;     // position of these gradients in the step's sum
  uint32_t n_slices = 0;  // pushes of the step; 0: the push belongs to no step (Client::Drain)
};
static_assert(sizeof(PushPrelude) == 24);

/// Bytes of n numbers of a section on the wire: every section begins at a multiple of 4 bytes.
inline size_t WireBytes(NumberType type, size_t n) {
  return (n * static_cast<size_t>(BytesOf(type)) + 3) / 4 * 4;
}

inline constexpr int kMaxPullsInFlight = 32;
/// The most pushes of a worker on their way to each server.
inline constexpr int kMaxPushesPerServer = 8;

/// The most ranges of an epoch.
inline constexpr int64_t kMaxRanges = int64_t{1} << 20;

/// The requests of a worker to the lease manager at server 0 (ps/server/lease_manager.h).
enum class LeaseKind : uint8_t {
  kRange = 1,  // a range of examples to train on
  kTicket,     // the number of a step
  kRound,      // the workers of all slices of a round of synchronous steps
  kResume,     // from the chief, before all others: the position of a resumed job
};

/// The part of a range that an earlier run of the job has done.
struct RangeDone {
  uint64_t range = 0;
  uint64_t n_batches = 0;  // from its first on
  bool all = false;
};

/// A request to the lease manager. On the wire: u8 kind, then the fields of that kind in the order
/// below; bools as u8.
struct LeaseRequest {
  LeaseKind kind = LeaseKind::kTicket;
  // kRange
  uint64_t epoch = 0;
  uint64_t n_ranges = 0;  // of an epoch; all workers agree
  bool in_file_order = false;
  bool wants_more = false;         // false: only reports finished ranges
  std::vector<uint64_t> finished;  // since the last request: their gradients are applied
  std::vector<uint64_t> held;      // with the first request of an epoch: preferred by the worker
  // kRound
  uint64_t round = 0;
  uint32_t n_slices = 0;
  double slice_s = 0;  // seconds that this worker takes for a slice; 0: unknown
  // kResume: epoch, n_ranges and in_file_order as above
  uint64_t next_ticket = 0;
  std::vector<RangeDone> done;  // ascending; ranges that are missing have not been begun

  std::string Serialize() const;
  /// Throws Error on bytes that Serialize did not write.
  static LeaseRequest Parse(std::string_view bytes);
};

/// A lease: a range of examples to train on.
struct RangeGrant {
  uint64_t range = 0;
  uint64_t n_before = 0;  // ranges granted before it in this epoch
  uint64_t n_done = 0;    // its batches that an earlier run has done
};

/// The answer of the lease manager. On the wire: u8 kind, then the field of that kind; a range as
/// u8 1, u64, u64, u64, and no range as u8 0.
struct LeaseReply {
  LeaseKind kind = LeaseKind::kTicket;
  std::optional<RangeGrant> range;  // nothing: no range is left, or none was asked for
  uint64_t ticket = 0;
  std::vector<uint32_t> owners;  // [n_slices], workers

  std::string Serialize() const;
  /// Throws Error on bytes that Serialize did not write.
  static LeaseReply Parse(std::string_view bytes);
};

/// The counts of a server; Merge adds those of several.
struct ServerReport {
  struct TableCount {
    std::string name;
    int64_t n_rows = 0;
    int64_t n_bytes = 0;  // of rows with their optimizer state, index, and counts of admission
    RowCounts counts;
  };
  /// Pushes that were refused, since a gradient was non-finite or too large
  /// (ps/server/gradient_check.h).
  struct NonFinite {
    int32_t rank = 0;  // the sender
    std::string table;
    int64_t n_pushes = 0;
  };
  std::vector<TableCount> tables;
  std::vector<NonFinite> non_finite;  // by rank and table
  int64_t n_applied_pushes = 0;       // including refused ones
  int64_t n_repeated_pushes = 0;      // not applied again
  int64_t n_repeated_pulls = 0;       // repeated pulls and read-only pulls, which were dropped
  int64_t n_pulled_keys = 0;
  int64_t n_pushed_keys = 0;
  int64_t n_refused_keys = 0;  // of pushes that were refused
  int64_t n_peeked_keys = 0;   // of read-only pulls
  /// Pulls that have not been answered or still wait for their push, and pushes of incomplete
  /// steps.
  int64_t n_waiting = 0;
  /// A histogram of staleness, [kStalenessBins]: entry i is the number of pushes that were applied
  /// after i other updates since their pull; the last entry counts all larger values, too.
  std::vector<int64_t> staleness;

  /// The bytes of the frames that each server received and sent, [n_servers].
  std::vector<int64_t> traffic;
  /// The seconds in each ServerStage (ps/server_stage.h) since the start; empty without --profile.
  std::vector<double> stage_s;

  static constexpr size_t kStalenessBins = 65;

  std::string Serialize() const;
  /// Throws Error on bytes that Serialize did not write.
  static ServerReport Parse(std::string_view bytes);
  /// Adds another server's counts; tables match by name.
  void Merge(const ServerReport& other);
  /// Adds to the count of a rank and table in non_finite.
  void CountNonFinite(int32_t rank, const std::string& table, int64_t n_pushes);
};

}  // namespace zhiyin::ps
