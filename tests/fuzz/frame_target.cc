#include <cstring>

#include "common/net/frame.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"

namespace zhiyin::fuzz {

int FuzzFrame(const uint8_t* data, size_t size) {
  if (size < sizeof(net::FrameHeader)) return -1;  // an endpoint refuses it before there is a frame
  Judge("rank 1", [&] {
    net::Frame frame = net::Frame::ForReceiving(size);
    std::memcpy(frame.bytes().data(), data, size);
    frame.Arrived(1);
  });
  return 0;
}

std::vector<std::string> FrameSeeds() {
  std::vector<std::string> seeds;
  for (const net::FrameKind kind :
       {net::FrameKind::kHandshakeReply, net::FrameKind::kPush, net::FrameKind::kShutdown}) {
    for (const std::string_view payload : {"", "payload"}) {
      const net::Frame frame(kind, 7, 3, payload);
      seeds.emplace_back(reinterpret_cast<const char*>(frame.bytes().data()), frame.bytes().size());
    }
  }
  return seeds;
}

}  // namespace zhiyin::fuzz
