#include "common/net/mailbox.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/targets.h"

namespace zhiyin::fuzz {
namespace {

constexpr int kRanks = 3;

/// A conversation, then the text of a failure.
std::string Seed(FrameKind kind, uint64_t clock) {
  std::string script;
  for (const FrameKind sign : {FrameKind::kAlive, FrameKind::kPush, FrameKind::kPull}) {
    Frame frame(sign, 1, clock, "of life");
    frame.Arrived(2);
    AppendTo(&script, frame);
  }
  return std::string(1, kind == FrameKind::kAbort ? '\1' : '\0') + script;
}

}  // namespace

int FuzzMailbox(const uint8_t* data, size_t size) {
  if (size < 1) return -1;
  const std::string_view script(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<Frame> messages = MessagesOf(script, 0, kRanks);
  Frame failure(data[0] % 2 != 0 ? FrameKind::kAbort : FrameKind::kStop, 0, data[0] / 2, script);
  failure.Arrived(1);
  messages.push_back(std::move(failure));
  Judge([&] {
    ScriptedEndpoint endpoint(0, kRanks, std::move(messages));
    Mailbox mailbox(&endpoint, 1);
    mailbox.Await({FrameKind::kPull, FrameKind::kPeek}, "a pull");
    mailbox.Take({FrameKind::kPush});
    mailbox.SayAlive();
  });
  return 0;
}

std::vector<std::string> MailboxSeeds() {
  return {Seed(FrameKind::kAbort, 0), Seed(FrameKind::kAbort, 1), Seed(FrameKind::kStop, 0)};
}

}  // namespace zhiyin::fuzz
