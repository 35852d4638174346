#include "ps/client.h"

#include <glog/logging.h>

#include <algorithm>
#include <cstring>

#include "common/bytes.h"
#include "common/partitioner.h"

namespace zhiyin::ps {
namespace {

/// Pushes on their way to each server, at most.
constexpr int kMaxPushesPerServer = 8;

}  // namespace

Client::Client(Mailbox* mailbox, const RoleMap& roles, const Job& job)
    : mailbox_(mailbox),
      roles_(roles),
      tell_all_servers_(job.train().staleness() >= 0),
      n_pushes_in_flight_(static_cast<size_t>(roles.n_servers)),
      last_sequence_(static_cast<size_t>(roles.n_servers)) {
  tables_.push_back({kDenseRowDim, FP32});
  for (const Table& table : job.table()) tables_.push_back({static_cast<size_t>(table.dim()), table.wire()});
}

void Client::PullStart(Exchange* exchange) {
  Ask(FrameKind::kPull, exchange);
}

void Client::PeekStart(Exchange* exchange) {
  Ask(FrameKind::kPeek, exchange);
}

void Client::MakeRoutes(Exchange* exchange) {
  const size_t n_servers = static_cast<size_t>(roles_.n_servers);
  exchange->routes.resize(exchange->parts.size());
  for (size_t p = 0; p < exchange->parts.size(); ++p) {
    const Exchange::Part& part = exchange->parts[p];
    Exchange::Route& route = exchange->routes[p];
    // Counting sort by server, stable: the rows of a request keep the order of the keys.
    route.begin.assign(n_servers + 1, 0);
    exchange->server_of_key.resize(part.keys.size());
    for (size_t i = 0; i < part.keys.size(); ++i) {
      const int server = ServerOf(static_cast<TableId>(p), part.keys[i], roles_.n_servers);
      exchange->server_of_key[i] = static_cast<uint16_t>(server);
      ++route.begin[static_cast<size_t>(server) + 1];
    }
    for (size_t s = 0; s < n_servers; ++s) route.begin[s + 1] += route.begin[s];
    route.order.resize(part.keys.size());
    for (size_t i = 0; i < part.keys.size(); ++i) {
      route.order[route.begin[exchange->server_of_key[i]]++] = static_cast<uint32_t>(i);
    }
    for (size_t s = n_servers; s > 0; --s) route.begin[s] = route.begin[s - 1];
    route.begin[0] = 0;
  }
}

void Client::Ask(FrameKind kind, Exchange* exchange) {
  CHECK_EQ(exchange->n_missing, 0) << "an exchange was started twice";
  CHECK_EQ(exchange->parts.size(), tables_.size()) << "an exchange has a part for every table";
  MakeRoutes(exchange);
  const size_t n_servers = static_cast<size_t>(roles_.n_servers);
  exchange->pull_ids.assign(n_servers, 0);
  exchange->replies.resize(n_servers);
  for (size_t s = 0; s < n_servers; ++s) {
    uint64_t n_keys = 0;
    for (const Exchange::Route& route : exchange->routes) n_keys += route.begin[s + 1] - route.begin[s];
    if (n_keys == 0) continue;
    const uint64_t id = mailbox_->NewRequestId();
    Frame frame(kind, id, exchange->clock, exchange->parts.size() * sizeof(Section) + n_keys * sizeof(Key));
    auto* section = reinterpret_cast<Section*>(frame.payload().data());
    Key* key = reinterpret_cast<Key*>(section + exchange->parts.size());
    for (size_t p = 0; p < exchange->parts.size(); ++p) {
      const Exchange::Part& part = exchange->parts[p];
      const Exchange::Route& route = exchange->routes[p];
      *section++ = {static_cast<TableId>(p), part.fetch ? kFetch : 0u, route.begin[s + 1] - route.begin[s]};
      for (uint32_t at = route.begin[s]; at < route.begin[s + 1]; ++at) *key++ = part.keys[route.order[at]];
    }
    mailbox_->Send(roles_.RankOfServer(static_cast<int>(s)), std::move(frame));
    exchange->pull_ids[s] = id;
    ++exchange->n_missing;
  }
  if (exchange->n_missing > 0) waiting_.push_back(exchange);
}

void Client::Accept(Frame frame) {
  const size_t server = static_cast<size_t>(roles_.ServerOfRank(frame.source()));
  if (frame.kind() == FrameKind::kPushReply) {
    --n_pushes_in_flight_[server];
    return;
  }
  const auto of = std::find_if(waiting_.begin(), waiting_.end(), [&](const Exchange* e) {
    return e->pull_ids[server] == frame.header().request_id;
  });
  CHECK(of != waiting_.end()) << "a pull reply that nobody waits for, from rank " << frame.source();
  Exchange* exchange = *of;
  exchange->replies[server] = std::move(frame);
  if (--exchange->n_missing == 0) waiting_.erase(of);
}

void Client::PullFinish(Exchange* exchange) {
  while (exchange->n_missing > 0) {
    Accept(AwaitReply("a server's reply to a pull"));
  }
  for (size_t s = 0; s < exchange->pull_ids.size(); ++s) {
    if (exchange->pull_ids[s] == 0) continue;
    Frame& reply = exchange->replies[s];
    size_t expected = sizeof(uint64_t);
    for (size_t p = 0; p < exchange->parts.size(); ++p) {
      const Exchange::Route& route = exchange->routes[p];
      if (exchange->parts[p].fetch)
        expected += PartBytes(static_cast<TableId>(p), route.begin[s + 1] - route.begin[s]);
    }
    if (reply.payload().size() != expected) {
      Fail("pull reply from rank ", reply.source(), ": ", reply.payload().size(), " bytes, expected ",
           expected);
    }
    const std::byte* from = reply.payload().data() + sizeof(uint64_t);
    for (size_t p = 0; p < exchange->parts.size(); ++p) {
      const Exchange::Part& part = exchange->parts[p];
      if (!part.fetch) continue;
      const Exchange::Route& route = exchange->routes[p];
      const auto [d, wire] = tables_[p];
      const std::byte* row = from;
      const size_t row_bytes = d * static_cast<size_t>(BytesOf(wire));
      for (uint32_t at = route.begin[s]; at < route.begin[s + 1]; ++at, row += row_bytes)
        ToFloats(wire, row, d, part.weights + route.order[at] * d);
      from += PartBytes(static_cast<TableId>(p), route.begin[s + 1] - route.begin[s]);
    }
    reply = Frame();
  }
}

void Client::PushStart(Exchange* exchange, int slice, int n_slices) {
  CHECK_EQ(exchange->n_missing, 0) << "a push before its pull has finished";
  const size_t n_servers = static_cast<size_t>(roles_.n_servers);
  for (size_t s = 0; s < n_servers; ++s) {
    if (exchange->pull_ids[s] == 0 && !tell_all_servers_) continue;
    AwaitPushRoom(s, kMaxPushesPerServer - 1);
    size_t n_bytes = sizeof(PushPrelude);
    if (exchange->pull_ids[s] != 0) {
      for (size_t p = 0; p < exchange->parts.size(); ++p) {
        const Exchange::Route& route = exchange->routes[p];
        n_bytes += PartBytes(static_cast<TableId>(p), route.begin[s + 1] - route.begin[s]);
      }
    }
    Frame frame(FrameKind::kPush, mailbox_->NewRequestId(), exchange->clock, n_bytes);
    const PushPrelude prelude = {exchange->pull_ids[s], ++last_sequence_[s], static_cast<uint32_t>(slice),
                                 static_cast<uint32_t>(n_slices)};
    std::memcpy(frame.payload().data(), &prelude, sizeof(prelude));
    std::byte* to = frame.payload().data() + sizeof(prelude);
    if (exchange->pull_ids[s] != 0) {
      for (size_t p = 0; p < exchange->parts.size(); ++p) {
        const Exchange::Part& part = exchange->parts[p];
        const Exchange::Route& route = exchange->routes[p];
        const auto [d, wire] = tables_[p];
        std::byte* row = to;
        const size_t row_bytes = d * static_cast<size_t>(BytesOf(wire));
        for (uint32_t at = route.begin[s]; at < route.begin[s + 1]; ++at, row += row_bytes)
          FromFloats(wire, part.gradients + route.order[at] * d, d, row);
        to += PartBytes(static_cast<TableId>(p), route.begin[s + 1] - route.begin[s]);
      }
    }
    mailbox_->Send(roles_.RankOfServer(static_cast<int>(s)), std::move(frame));
    ++n_pushes_in_flight_[s];
  }
}

Frame Client::AwaitReply(const char* what) {
  const double began = mailbox_->endpoint().Now();
  Frame frame = mailbox_->Await({FrameKind::kPullReply, FrameKind::kPushReply}, what);
  waited_s_ += mailbox_->endpoint().Now() - began;
  return frame;
}

void Client::AwaitPushRoom(size_t server, int max_in_flight) {
  while (n_pushes_in_flight_[server] > max_in_flight)
    Accept(AwaitReply("a server's acknowledgement of a push"));
}

void Client::Drain() {
  for (size_t s = 0; s < n_pushes_in_flight_.size(); ++s) AwaitPushRoom(s, 0);
}

void Client::Progress() {
  while (std::optional<Frame> frame = mailbox_->Take({FrameKind::kPullReply, FrameKind::kPushReply})) {
    Accept(std::move(*frame));
  }
}

void Client::Assign(TableId table, std::span<const Key> keys, std::span<const float> weights) {
  const size_t d = dim(table);
  CHECK_EQ(weights.size(), keys.size() * d);
  std::vector<std::vector<size_t>> of_server(static_cast<size_t>(roles_.n_servers));
  for (size_t i = 0; i < keys.size(); ++i) {
    of_server[static_cast<size_t>(ServerOf(table, keys[i], roles_.n_servers))].push_back(i);
  }
  int n_replies = 0;
  for (size_t s = 0; s < of_server.size(); ++s) {
    const std::vector<size_t>& own = of_server[s];
    if (own.empty()) continue;
    Frame frame(FrameKind::kAssign, mailbox_->NewRequestId(), 0,
                sizeof(Section) + own.size() * (sizeof(Key) + d * sizeof(float)));
    auto* section = reinterpret_cast<Section*>(frame.payload().data());
    *section = {table, 0, own.size()};
    Key* key = reinterpret_cast<Key*>(section + 1);
    float* row = reinterpret_cast<float*>(key + own.size());
    for (size_t i : own) {
      *key++ = keys[i];
      std::memcpy(row, weights.data() + i * d, d * sizeof(float));
      row += d;
    }
    mailbox_->Send(roles_.RankOfServer(static_cast<int>(s)), std::move(frame));
    ++n_replies;
  }
  while (n_replies-- > 0) mailbox_->Await({FrameKind::kAssignReply}, "a server to take first values");
}

std::vector<Client::SavedFile> Client::Save(const std::string& folder) {
  std::vector<SavedFile> files(static_cast<size_t>(roles_.n_servers));
  for (int s = 0; s < roles_.n_servers; ++s) {
    SavedFile& file = files[static_cast<size_t>(s)];
    file.name = "rows-" + std::to_string(s) + "-of-" + std::to_string(roles_.n_servers) + ".bin";
    mailbox_->Send(roles_.RankOfServer(s),
                   Frame(FrameKind::kSave, mailbox_->NewRequestId(), 0, folder + "/" + file.name));
  }
  for (int n = 0; n < roles_.n_servers; ++n) {
    const Frame frame = mailbox_->Await({FrameKind::kSaveReply}, "a server to save its rows");
    SavedFile& file = files[static_cast<size_t>(roles_.ServerOfRank(frame.source()))];
    ByteReader in(frame.text(), "save reply");
    file.n_rows = in.Get<int64_t>();
    file.n_bytes = in.Get<int64_t>();
    file.digest = in.Get<uint64_t>();
  }
  return files;
}

ServerReport Client::Report() {
  for (int s = 0; s < roles_.n_servers; ++s) {
    mailbox_->Send(roles_.RankOfServer(s), Frame(FrameKind::kReport, mailbox_->NewRequestId(), 0, 0));
  }
  ServerReport all;
  for (int n = 0; n < roles_.n_servers; ++n) {
    all.Merge(ServerReport::Parse(mailbox_->Await({FrameKind::kReportReply}, "a server's counts").text()));
  }
  return all;
}

}  // namespace zhiyin::ps
