#include "common/net/mailbox.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/targets.h"

namespace zhiyin::fuzz {
namespace {

constexpr int kMailboxRanks = 3;

std::string Conversation() {
  std::string script;
  for (const net::FrameKind sign : {net::FrameKind::kHeartbeat, net::FrameKind::kWaiting,
                                    net::FrameKind::kPush, net::FrameKind::kPull}) {
    net::Frame frame(sign, 1, 0, "of life");
    frame.Arrived(2);
    AppendTo(&script, frame);
  }
  return script;
}

}  // namespace

/// The first byte chooses the failure at the end, the others are what arrives before, and its text.
int FuzzMailbox(const uint8_t* data, size_t size) {
  if (size < 1) return -1;
  const std::string_view script(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<net::Frame> messages = MessagesOf(script, 0, kMailboxRanks);
  net::Frame failure(data[0] % 2 != 0 ? net::FrameKind::kAbort : net::FrameKind::kStop, 0,
                     data[0] / 2, script);
  failure.Arrived(1);
  messages.push_back(std::move(failure));
  Judge("", [&] {
    ScriptedEndpoint endpoint(0, kMailboxRanks, std::move(messages));
    net::Mailbox mailbox(&endpoint, 1);
    mailbox.Await({net::FrameKind::kPull}, "a pull");
    mailbox.Take({net::FrameKind::kPush});
    mailbox.Await({net::FrameKind::kPeek}, "a failure");
  });
  return 0;
}

std::vector<std::string> MailboxSeeds() {
  // A stop, an abort, and one that reports a silence.
  return {'\0' + Conversation(), '\1' + Conversation(), '\3' + Conversation()};
}

}  // namespace zhiyin::fuzz
