#include "common/net/frame.h"

#include <glog/logging.h>

#include "common/error.h"

namespace zhiyin::net {

namespace {

bool IsOfEveryVersion(FrameKind kind) {
  return kind == FrameKind::kHandshake || kind == FrameKind::kAbort || kind == FrameKind::kStop;
}

}  // namespace

std::string_view NameOf(FrameKind kind) {
  switch (kind) {
    case FrameKind::kHandshake:
      return "handshake";
    case FrameKind::kHandshakeReply:
      return "handshake reply";
    case FrameKind::kAbort:
      return "abort";
    case FrameKind::kStop:
      return "stop";
    case FrameKind::kHeartbeat:
      return "heartbeat";
    case FrameKind::kWaiting:
      return "waiting";
    case FrameKind::kGather:
      return "gather";
    case FrameKind::kBroadcast:
      return "broadcast";
    case FrameKind::kExamples:
      return "examples";
    case FrameKind::kProgress:
      return "progress";
    case FrameKind::kPull:
      return "pull";
    case FrameKind::kPeek:
      return "read-only pull";
    case FrameKind::kPullReply:
      return "pull reply";
    case FrameKind::kPush:
      return "push";
    case FrameKind::kPushReply:
      return "push reply";
    case FrameKind::kAssign:
      return "assign";
    case FrameKind::kAssignReply:
      return "assign reply";
    case FrameKind::kSave:
      return "save";
    case FrameKind::kSaveCut:
      return "word that a save has begun";
    case FrameKind::kSaveReply:
      return "save reply";
    case FrameKind::kLease:
      return "request for a lease";
    case FrameKind::kLeaseReply:
      return "lease";
    case FrameKind::kReport:
      return "report";
    case FrameKind::kReportReply:
      return "report reply";
    case FrameKind::kShutdown:
      return "shutdown";
    case FrameKind::kQuestion:
      return "question";
    case FrameKind::kAnswer:
      return "answer";
    case FrameKind::kPing:
      return "ping";
    case FrameKind::kPong:
      return "pong";
    case FrameKind::kGoodbye:
      return "goodbye";
  }
  return "";  // a number from the network that is no kind
}

Frame::Frame(FrameKind kind, uint64_t request_id, uint64_t clock, size_t payload_bytes)
    : memory_(std::make_unique_for_overwrite<std::byte[]>(sizeof(FrameHeader) + payload_bytes)),
      n_bytes_(sizeof(FrameHeader) + payload_bytes) {
  const FrameHeader header{kFrameMagic, kFrameVersion, kind, request_id, clock, payload_bytes};
  std::memcpy(memory_.get(), &header, sizeof(header));
}

Frame::Frame(FrameKind kind, uint64_t request_id, uint64_t clock, std::string_view payload)
    : Frame(kind, request_id, clock, payload.size()) {
  if (!payload.empty()) std::memcpy(this->payload().data(), payload.data(), payload.size());
}

Frame Frame::ForReceiving(size_t n_bytes) {
  CHECK_GE(n_bytes, sizeof(FrameHeader));
  Frame frame;
  frame.memory_ = std::make_unique_for_overwrite<std::byte[]>(n_bytes);
  frame.n_bytes_ = n_bytes;
  return frame;
}

void CheckHeader(const FrameHeader& h, int source) {
  if (h.magic != kFrameMagic) {
    Fail("message from rank ", source, ": begins with ", std::hex, h.magic, ", expected ",
         kFrameMagic, ": not a Zhiyin rank");
  }
  if (h.version != kFrameVersion && !IsOfEveryVersion(h.kind)) {
    Fail("message from rank ", source, ": protocol version ", h.version, ", expected ",
         kFrameVersion, ": the ranks run different builds");
  }
  if (NameOf(h.kind).empty()) {
    Fail("message from rank ", source, ": unknown kind ", static_cast<int>(h.kind));
  }
  if (h.payload_bytes >= kMaxFrameBytes) {
    Fail("message from rank ", source, ": ", NameOf(h.kind), " announces ", h.payload_bytes,
         " bytes, expected less than ", kMaxFrameBytes);
  }
}

void Frame::Arrived(int source) {
  source_ = source;
  const FrameHeader& h = header();
  CheckHeader(h, source);
  if (h.payload_bytes != n_bytes_ - sizeof(FrameHeader)) {
    Fail("message from rank ", source, ": ", NameOf(h.kind), " announces ", h.payload_bytes,
         " bytes, but ", n_bytes_ - sizeof(FrameHeader), " came");
  }
}

std::string NameOf(const Frame& frame) {
  return std::string(NameOf(frame.kind())) + " from rank " + std::to_string(frame.source());
}

}  // namespace zhiyin::net
