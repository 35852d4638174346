// Run by frames_test.cc under mpirun: every rank sends every other one frames of all sizes, small
// between large, and looks at each byte of what comes.
//   frames_main PART_BYTES LARGEST
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <vector>

#include "common/error.h"
#include "common/net/mpi/mpi_endpoint.h"

namespace zhiyin {
namespace {

std::vector<size_t> Sizes(size_t part, size_t largest) {
  const size_t header = sizeof(net::FrameHeader);
  return {
      0,       1, part - header - 1, part - header, part - header + 1, 5, part, 3 * part + 7, 11,
      largest, 13};
}

/// Different for each word, frame and pair of ranks.
uint64_t Word(size_t at, size_t nth, int from, int to) {
  return at * 0x9e3779b97f4a7c15u + nth * 1000003 + static_cast<uint64_t>(from) * 8191 +
         static_cast<uint64_t>(to) * 131;
}

net::Frame MakeFrame(size_t n_bytes, size_t nth, int from, int to) {
  net::Frame frame(net::FrameKind::kPush, nth, 7, n_bytes);
  const std::span<std::byte> payload = frame.payload();
  for (size_t at = 0; at < n_bytes; at += 8) {
    const uint64_t word = Word(at, nth, from, to);
    std::memcpy(payload.data() + at, &word, std::min<size_t>(8, n_bytes - at));
  }
  return frame;
}

void CheckFrame(const net::Frame& frame, size_t n_bytes, size_t nth, int me) {
  if (frame.header().request_id != nth)
    Fail("rank ", me, ": frame ", frame.header().request_id, ", expected ", nth);
  if (frame.payload().size() != n_bytes)
    Fail("frame ", nth, ": ", frame.payload().size(), " bytes, expected ", n_bytes);
  for (size_t at = 0; at < n_bytes; at += 8) {
    const uint64_t word = Word(at, nth, frame.source(), me);
    if (std::memcmp(frame.payload().data() + at, &word, std::min<size_t>(8, n_bytes - at)) != 0)
      Fail("frame ", nth, ": wrong at byte ", at);
  }
}

void Run(size_t part, size_t largest) {
  net::MpiWorld world(part);
  net::Endpoint& me = world.endpoint();
  const std::vector<size_t> sizes = Sizes(part, largest);
  for (size_t nth = 0; nth < sizes.size(); ++nth) {
    for (int to = 0; to < me.n_ranks(); ++to) {
      if (to != me.rank()) me.Send(to, MakeFrame(sizes[nth], nth, me.rank(), to));
    }
  }
  std::vector<size_t> n_received(static_cast<size_t>(me.n_ranks()));
  for (size_t n = 0; n < sizes.size() * (n_received.size() - 1); ++n) {
    const std::optional<net::Frame> frame = me.Receive(me.Now() + 60);
    if (!frame) Fail("rank ", me.rank(), ": nothing came");
    size_t& nth = n_received[static_cast<size_t>(frame->source())];
    CheckFrame(*frame, sizes[nth], nth, me.rank());
    ++nth;
  }
  if (!me.Flush(me.Now() + 60)) Fail("rank ", me.rank(), ": cannot send");
}

}  // namespace
}  // namespace zhiyin

int main(int, char** argv) {
  try {
    zhiyin::Run(std::strtoull(argv[1], nullptr, 10), std::strtoull(argv[2], nullptr, 10));
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
