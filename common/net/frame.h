// The message between ranks: a 32-byte header, then raw bytes.
//
//   offset  size  field
//        0     4  magic          "ZYF1"
//        4     2  version        kFrameVersion; another version is refused
//        6     2  kind           FrameKind
//        8     8  request_id     chosen by the sender of a request; its reply carries it back
//       16     8  clock          the step that the message belongs to; 0 where it has no meaning
//       24     8  payload_bytes  number of bytes after the header
//
// Little-endian. The payload of each kind is described in the header of its sender: ps/protocol.h,
// worker/train/group.h, worker/train/progress.h, launch/rank/handshake.h, launch/rank/run_rank.h,
// launch/apps/doctor/postbox.h.
//
// A handshake, an abort and a stop carry text and are accepted with any version, so that ranks of
// different builds can report that they differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace zhiyin::net {

/// Every kind of message, with its sender and receiver.
enum class FrameKind : uint16_t {
  kHandshake = 1,   // rank to rank 0: its build and its host
  kHandshakeReply,  // rank 0 to all: the job, and the hosts of all ranks
  kAbort,           // failed rank to rank 0: text of an Error; clock: 1 timeout, 2 rank 0 is silent
  kStop,            // rank 0, or a rank in its place, to all: the job has failed
  kHeartbeat,       // rank to all: busy with something long
  kWaiting,         // heartbeat of a rank that waits for others: to rank 0, and from rank 0 to all
  kGather,          // worker to chief
  kBroadcast,       // chief to worker
  kExamples,        // worker to worker: examples that it has read, and what belongs to them
  kProgress,        // worker to chief
  kPull,            // worker to server: rows, made where absent
  kPeek,            // worker to server, a read-only pull: rows, zeros where absent
  kPullReply,       // answers kPull and kPeek
  kPush,            // worker to server: gradients of a pull's rows
  kPushReply,       // answers kPush
  kAssign,          // worker to server: first values of dense rows
  kAssignReply,     // answers kAssign
  kSave,            // chief to server: save the rows
  kSaveCut,         // answers kSave at once: later changes are not in the file
  kSaveReply,       // answers kSave when the file is on disk
  kLease,           // worker to server 0: a request to the lease manager
  kLeaseReply,      // answers kLease
  kReport,          // chief to server: a request for its counts
  kReportReply,     // answers kReport
  kShutdown,        // chief to all: the job is done
  kQuestion,        // zhiyin doctor, rank 0 to rank: what to examine
  kAnswer,          // zhiyin doctor, rank to rank 0: what was found
  kPing,            // zhiyin doctor: to be sent back
  kPong,            // answers kPing
  kGoodbye,         // rank to rank 0: it sends nothing more; rank 0 to all: no rank does
};
/// The name in messages: "pull reply"; "" for a number that is no kind.
std::string_view NameOf(FrameKind kind);

/// The first bytes of every frame, as above.
struct FrameHeader {
  uint32_t magic;
  uint16_t version;
  FrameKind kind;
  uint64_t request_id;
  uint64_t clock;
  uint64_t payload_bytes;
};
static_assert(sizeof(FrameHeader) == 32);

inline constexpr uint32_t kFrameMagic = 0x3146595a;  // "ZYF1"
inline constexpr uint16_t kFrameVersion = 1;
/// Frames are smaller than this; a larger size is an error of the sender.
inline constexpr uint64_t kMaxFrameBytes = uint64_t{1} << 40;

/// Throws Error, naming the rank it came from, on a wrong magic, version or kind, or an impossible
/// length. Kinds that every version understands may have any version.
void CheckHeader(const FrameHeader& header, int source);

/// A header and its payload in one piece of memory, 16-byte aligned. Moves, never copies. A plain
/// value: one thread at a time.
class Frame {
 public:
  Frame() = default;
  /// A frame to send, whose payload is not initialised.
  Frame(FrameKind kind, uint64_t request_id, uint64_t clock, size_t payload_bytes);
  /// A frame to send, with a payload of text.
  Frame(FrameKind kind, uint64_t request_id, uint64_t clock, std::string_view payload);
  /// A frame with room for n_bytes that are about to be received, header and payload. REQUIRES:
  /// n_bytes >= sizeof(FrameHeader).
  static Frame ForReceiving(size_t n_bytes);

  const FrameHeader& header() const { return *reinterpret_cast<const FrameHeader*>(memory_.get()); }
  FrameKind kind() const { return header().kind; }
  std::span<std::byte> payload() {
    return {memory_.get() + sizeof(FrameHeader), n_bytes_ - sizeof(FrameHeader)};
  }
  std::span<const std::byte> payload() const { return const_cast<Frame*>(this)->payload(); }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(payload().data()), payload().size()};
  }
  /// The header and the payload.
  std::span<std::byte> bytes() { return {memory_.get(), n_bytes_}; }
  std::span<const std::byte> bytes() const { return {memory_.get(), n_bytes_}; }

  /// The rank that sent it; -1 before it was received.
  int source() const { return source_; }
  /// Sets the source on arrival and checks the header. Throws Error, naming the rank, on a wrong
  /// magic, version, kind or length.
  void Arrived(int source);

 private:
  std::unique_ptr<std::byte[]> memory_;
  size_t n_bytes_ = 0;
  int source_ = -1;
};

/// A received frame in words: "pull from rank 3".
std::string NameOf(const Frame& frame);

}  // namespace zhiyin::net
