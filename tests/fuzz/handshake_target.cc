#include "launch/rank/fingerprint.h"
#include "launch/rank/handshake.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/script.h"
#include "tests/fuzz/targets.h"

namespace zhiyin::fuzz {
namespace {

constexpr int kHandshakeRanks = 3;

/// What rank 0 hears when all ranks run its own build.
std::string Handshakes() {
  std::string script;
  for (const int rank : {2, 1}) {
    net::Frame frame(net::FrameKind::kHandshake, 1, 0, launch::rank::Fingerprint() + "\nnode-b");
    frame.Arrived(rank);
    AppendTo(&script, frame);
  }
  return script;
}

}  // namespace

/// A script of what arrives at rank 0 before the job.
int FuzzHandshake(const uint8_t* data, size_t size) {
  const std::string_view script(reinterpret_cast<const char*>(data), size);
  Judge("rank", [&] {
    ScriptedEndpoint endpoint(0, kHandshakeRanks, MessagesOf(script, 0, kHandshakeRanks));
    net::Mailbox mailbox(&endpoint, 1);
    launch::rank::AwaitHandshakes(&mailbox);
  });
  return 0;
}

std::vector<std::string> HandshakeSeeds() {
  return {Handshakes()};
}

}  // namespace zhiyin::fuzz
