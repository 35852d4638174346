#include "ps/client/client.h"

#include <glog/logging.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "common/file.h"
#include "ps/partitioner.h"
#include "ps/slices.h"

namespace zhiyin::ps::client {
namespace {

/// The steps of the job for which a worker's copies are read at most: as many as pass during
/// refresh_steps of each worker where all are equally fast. Not more than the time to live of a
/// row, which the server does not know to be in use while it is only read from copies.
int64_t RefreshClock(const Table& table, const Train& train, int n_workers) {
  const int n_slices = SlicesOfStep(train, n_workers);
  const int64_t steps_per_own = (n_workers + n_slices - 1) / n_slices;
  const int64_t n = std::max(1, table.hot_keys().refresh_steps()) * steps_per_own;
  const int64_t ttl_steps = table.eviction().ttl_steps();
  return ttl_steps > 0 ? std::min(n, ttl_steps) : n;
}

}  // namespace

Client::Client(net::Mailbox* mailbox, const net::RoleMap& roles, const Job& job)
    : mailbox_(mailbox),
      roles_(roles),
      staleness_(job.train().staleness()),
      traffic_(static_cast<size_t>(roles.n_servers)) {
  tables_.push_back({kDenseRowDim, FP32});
  for (const Table& table : job.table())
    tables_.push_back({static_cast<size_t>(table.dim()), table.wire()});
  replicas_.emplace_back(kDenseRowDim, 0, 1, 1, /*has_admission=*/false);
  for (const Table& table : job.table()) {
    replicas_.emplace_back(table.dim(), table.hot_keys().rows(), table.hot_keys().refresh_steps(),
                           RefreshClock(table, job.train(), roles.n_workers),
                           table.admission().kind_case() != Admission::KIND_NOT_SET);
  }
}

void Client::PullStart(Exchange* exchange) {
  CHECK_LT(n_pulls_in_flight_, kMaxPullsInFlight) << "push before you pull more";
  ++n_pulls_in_flight_;
  exchange->asked = exchange->parts;
  exchange->selections.resize(exchange->parts.size());
  for (size_t p = 0; p < replicas_.size(); ++p) {
    if (!replicas_[p].enabled()) continue;
    Replica::Selection& selection = exchange->selections[p];
    replicas_[p].Select(exchange->parts[p].keys, exchange->clock, &selection);
    exchange->asked[p] = {selection.keys, true, selection.weights.data(), nullptr};
  }
  last_clock_ = std::max(last_clock_, exchange->clock);
  exchange->is_pull = true;
  Ask(net::FrameKind::kPull, exchange);
}

void Client::PeekStart(Exchange* exchange) {
  exchange->asked = exchange->parts;
  exchange->is_pull = false;
  Ask(net::FrameKind::kPeek, exchange);
}

void Client::Ask(net::FrameKind kind, Exchange* exchange) {
  CHECK_EQ(exchange->n_missing, 0) << "an exchange was started twice";
  CHECK_EQ(exchange->asked.size(), tables_.size()) << "an exchange has a part for every table";
  exchange->MakeRoutes(roles_.n_servers);
  const size_t n_servers = static_cast<size_t>(roles_.n_servers);
  exchange->pull_ids.assign(n_servers, 0);
  exchange->replies.resize(n_servers);
  exchange->has_reply.assign(n_servers, false);
  exchange->n_bytes.assign(n_servers, 0);
  exchange->key_sums.assign(n_servers, 0);
  for (size_t s = 0; s < n_servers; ++s) {
    uint64_t n_keys = 0;
    for (size_t p = 0; p < exchange->asked.size(); ++p) n_keys += exchange->n_keys(p, s);
    if (n_keys == 0) continue;
    const uint64_t id = exchange->key_sums[s] = NewRequestTo(s);
    net::Frame frame(kind, id, exchange->clock,
                     exchange->asked.size() * sizeof(Section) + n_keys * sizeof(Key));
    auto* section = reinterpret_cast<Section*>(frame.payload().data());
    Key* key = reinterpret_cast<Key*>(section + exchange->asked.size());
    for (size_t p = 0; p < exchange->asked.size(); ++p) {
      const Exchange::Part& part = exchange->asked[p];
      const Exchange::Route& route = exchange->routes[p];
      *section++ = {static_cast<TableId>(p), part.fetch ? kFetch : 0u, exchange->n_keys(p, s)};
      for (uint32_t at = route.begin[s]; at < route.begin[s + 1]; ++at) {
        *key = part.keys[route.order[at]];
        exchange->key_sums[s] += KeySum(static_cast<TableId>(p), *key++);
      }
    }
    (kind == net::FrameKind::kPull ? counts_.n_pulled_keys : counts_.n_peeked_keys) +=
        static_cast<int64_t>(n_keys);
    exchange->n_bytes[s] = static_cast<int64_t>(frame.bytes().size() + sizeof(net::FrameHeader) +
                                                ReplyBytes(*exchange, s) + n_keys * sizeof(void*));
    traffic_[s].largest_pull = std::max(traffic_[s].largest_pull, exchange->n_bytes[s]);
    traffic_[s].Add(exchange->n_bytes[s]);
    mailbox_->Send(roles_.RankOfServer(static_cast<int>(s)), std::move(frame));
    exchange->pull_ids[s] = id;
    ++exchange->n_missing;
  }
  if (exchange->n_missing > 0) waiting_.push_back(exchange);
}

size_t Client::ReplyBytes(const Exchange& exchange, size_t server) const {
  size_t n_bytes = sizeof(ReplyPrelude);
  for (size_t p = 0; p < exchange.asked.size(); ++p) {
    if (exchange.asked[p].fetch)
      n_bytes += PartBytes(static_cast<TableId>(p), exchange.n_keys(p, server));
  }
  return n_bytes;
}

uint64_t Client::NewRequestTo(size_t server) {
  return traffic_[server].last_id = mailbox_->NewRequestId();
}

size_t Client::SenderOf(const net::Frame& reply) const {
  if (!roles_.IsServer(reply.source()))
    Fail(net::NameOf(reply), ", which is a worker, expected one from a server");
  return static_cast<size_t>(roles_.ServerOfRank(reply.source()));
}

void Client::Accept(net::Frame frame) {
  const size_t server = SenderOf(frame);
  if (frame.kind() == net::FrameKind::kPushReply) return AcceptPushReply(server, frame);
  if (frame.kind() == net::FrameKind::kLeaseReply) return AcceptLease(frame);
  const uint64_t id = frame.header().request_id;
  const auto of = std::find_if(waiting_.begin(), waiting_.end(), [&](const Exchange* e) {
    return id != 0 && e->pull_ids[server] == id && !e->has_reply[server];
  });
  if (of == waiting_.end()) return DropLate(server, frame, "answers pull");
  Exchange* exchange = *of;
  exchange->replies[server] = std::move(frame);
  exchange->has_reply[server] = true;
  if (--exchange->n_missing == 0) waiting_.erase(of);
}

void Client::AcceptPushReply(size_t server, const net::Frame& frame) {
  if (!frame.payload().empty())
    Fail(net::NameOf(frame), ": ", frame.payload().size(), " bytes, expected none");
  std::vector<PushInFlight>& pushes = traffic_[server].pushes;
  const auto of = std::find_if(pushes.begin(), pushes.end(), [&](const PushInFlight& push) {
    return push.id == frame.header().request_id;
  });
  if (of == pushes.end()) return DropLate(server, frame, "acknowledges push");
  traffic_[server].Add(-of->n_bytes);
  pushes.erase(of);
}

void Client::DropLate(size_t server, const net::Frame& reply, const char* what) {
  const uint64_t id = reply.header().request_id;
  if (id == 0 || id > traffic_[server].last_id)
    Fail(net::NameOf(reply), ": ", what, " ", id, ", which is not waiting for one");
  ++counts_.n_late_replies;
}

void Client::AcceptLease(const net::Frame& frame) {
  const LeaseReply reply =
      FromRank(frame.source(), [&] { return LeaseReply::Parse(frame.text()); });
  LeaseCall& call = lease_calls_[reply.kind];
  const size_t server = SenderOf(frame);
  if (call.request_id == 0 || call.request_id != frame.header().request_id || call.reply)
    return DropLate(server, frame, "answers request");
  call.reply = reply;
}

void Client::AskLease(const LeaseRequest& request) {
  LeaseCall& call = lease_calls_[request.kind];
  CHECK_EQ(call.request_id, 0u) << "asked before the answer was taken";
  call.request_id = NewRequestTo(0);
  mailbox_->Send(roles_.RankOfServer(0),
                 net::Frame(net::FrameKind::kLease, call.request_id, 0, request.Serialize()));
}

LeaseReply Client::AwaitLease(LeaseKind kind) {
  LeaseCall& call = lease_calls_[kind];
  CHECK_NE(call.request_id, 0u) << "nothing was asked";
  while (!call.reply)
    Accept(AwaitReply("a lease", [&](int rank) { return rank == roles_.RankOfServer(0); }));
  return *TakeLease(kind);
}

std::optional<LeaseReply> Client::TakeLease(LeaseKind kind) {
  LeaseCall& call = lease_calls_[kind];
  std::optional<LeaseReply> reply = std::move(call.reply);
  if (reply) call = LeaseCall();
  return reply;
}

Client::PushMark Client::PushesSoFar() const {
  PushMark mark;
  for (const Traffic& traffic : traffic_) mark.last_id.push_back(traffic.last_id);
  return mark;
}

bool Client::IsAcknowledged(const PushMark& mark) const {
  for (size_t s = 0; s < traffic_.size(); ++s) {
    const std::vector<PushInFlight>& pushes = traffic_[s].pushes;
    if (std::any_of(pushes.begin(), pushes.end(),
                    [&](const PushInFlight& p) { return p.id <= mark.last_id[s]; }))
      return false;
  }
  return true;
}

void Client::PullFinish(Exchange* exchange) {
  TakeReplies(exchange);
  if (!exchange->is_pull) return;
  for (size_t p = 0; p < replicas_.size(); ++p) {
    if (replicas_[p].enabled())
      replicas_[p].Distribute(exchange->selections[p], exchange->parts[p].weights);
  }
}

void Client::TakeReplies(Exchange* exchange) {
  while (exchange->n_missing > 0) {
    Accept(AwaitReply("a pull reply", [&](int rank) {
      if (!roles_.IsServer(rank)) return false;
      const size_t s = static_cast<size_t>(roles_.ServerOfRank(rank));
      return exchange->pull_ids[s] != 0 && !exchange->has_reply[s];
    }));
  }
  for (size_t s = 0; s < exchange->pull_ids.size(); ++s) {
    if (exchange->pull_ids[s] == 0) continue;
    net::Frame& reply = exchange->replies[s];
    const size_t expected = ReplyBytes(*exchange, s);
    if (reply.payload().size() != expected) {
      Fail("pull reply from rank ", reply.source(), ": ", reply.payload().size(),
           " bytes, expected ", expected);
    }
    const ReplyPrelude prelude = *reinterpret_cast<const ReplyPrelude*>(reply.payload().data());
    if (prelude.key_sum != exchange->key_sums[s])
      Fail(net::NameOf(reply), ": answers another request than pull ", exchange->pull_ids[s]);
    if (exchange->is_pull && staleness_ >= 0 &&
        exchange->clock > prelude.n_complete + static_cast<uint64_t>(staleness_))
      ++counts_.n_stale_reads;
    if (!exchange->is_pull) traffic_[s].Add(-exchange->n_bytes[s]);
    const std::byte* from = reply.payload().data() + sizeof(prelude);
    for (size_t p = 0; p < exchange->asked.size(); ++p) {
      const Exchange::Part& part = exchange->asked[p];
      if (!part.fetch) continue;
      const Exchange::Route& route = exchange->routes[p];
      const auto [d, wire] = tables_[p];
      const std::byte* row = from;
      const size_t row_bytes = d * static_cast<size_t>(BytesOf(wire));
      for (uint32_t at = route.begin[s]; at < route.begin[s + 1]; ++at, row += row_bytes)
        ToFloats(wire, row, d, part.weights + route.order[at] * d);
      from += PartBytes(static_cast<TableId>(p), exchange->n_keys(p, s));
    }
    reply = net::Frame();
  }
}

void Client::PushStart(Exchange* exchange, int slice, int n_slices) {
  for (size_t p = 0; p < replicas_.size(); ++p) {
    if (!replicas_[p].enabled()) continue;
    replicas_[p].Collect(exchange->parts[p].gradients, &exchange->selections[p]);
    exchange->asked[p].gradients = exchange->selections[p].gradients.data();
  }
  SendGradients(exchange, slice, n_slices);
  --n_pulls_in_flight_;
}

void Client::SendGradients(Exchange* exchange, int slice, int n_slices) {
  CHECK_EQ(exchange->n_missing, 0) << "a push before its pull has finished";
  const size_t n_servers = static_cast<size_t>(roles_.n_servers);
  for (size_t s = 0; s < n_servers; ++s) {
    if (exchange->pull_ids[s] == 0 && (n_slices == 0 || staleness_ < 0)) continue;
    AwaitPushRoom(s, kMaxPushesPerServer - 1);
    size_t n_bytes = sizeof(PushPrelude);
    if (exchange->pull_ids[s] != 0) {
      for (size_t p = 0; p < exchange->asked.size(); ++p)
        n_bytes += PartBytes(static_cast<TableId>(p), exchange->n_keys(p, s));
    }
    const uint64_t id = NewRequestTo(s);
    net::Frame frame(net::FrameKind::kPush, id, exchange->clock, n_bytes);
    const PushPrelude prelude = {exchange->pull_ids[s], ++traffic_[s].last_sequence,
                                 static_cast<uint32_t>(slice), static_cast<uint32_t>(n_slices)};
    std::memcpy(frame.payload().data(), &prelude, sizeof(prelude));
    std::byte* to = frame.payload().data() + sizeof(prelude);
    if (exchange->pull_ids[s] != 0) {
      for (size_t p = 0; p < exchange->asked.size(); ++p) {
        const Exchange::Part& part = exchange->asked[p];
        const Exchange::Route& route = exchange->routes[p];
        const auto [d, wire] = tables_[p];
        std::byte* row = to;
        const size_t row_bytes = d * static_cast<size_t>(BytesOf(wire));
        for (uint32_t at = route.begin[s]; at < route.begin[s + 1]; ++at, row += row_bytes)
          FromFloats(wire, part.gradients + route.order[at] * d, d, row);
        to += PartBytes(static_cast<TableId>(p), exchange->n_keys(p, s));
      }
    }
    const int64_t n_frame_bytes = static_cast<int64_t>(frame.bytes().size());
    traffic_[s].largest_push = std::max(traffic_[s].largest_push, n_frame_bytes);
    traffic_[s].Add(n_frame_bytes - exchange->n_bytes[s]);
    traffic_[s].pushes.push_back({id, n_frame_bytes});
    mailbox_->Send(roles_.RankOfServer(static_cast<int>(s)), std::move(frame));
    ++counts_.n_pushes;
  }
}

net::Frame Client::AwaitReply(const char* what, const net::AwaitedRanks& from) {
  const double began = mailbox_->endpoint().Now();
  net::Frame frame = mailbox_->Await(
      {net::FrameKind::kPullReply, net::FrameKind::kPushReply, net::FrameKind::kLeaseReply}, what,
      from);
  waited_s_ += mailbox_->endpoint().Now() - began;
  return frame;
}

net::Frame Client::AwaitOneOf(net::FrameKind kind, const char* what, std::vector<uint64_t>* ids) {
  while (true) {
    net::Frame frame = mailbox_->Await({kind}, what, [&](int rank) {
      return roles_.IsServer(rank) && (*ids)[static_cast<size_t>(roles_.ServerOfRank(rank))] != 0;
    });
    const size_t server = SenderOf(frame);
    uint64_t& id = (*ids)[server];
    if (id == 0 || id != frame.header().request_id) {
      DropLate(server, frame, "answers request");
      continue;
    }
    id = 0;
    return frame;
  }
}

void Client::AwaitPushRoom(size_t server, int max_in_flight) {
  while (traffic_[server].pushes.size() > static_cast<size_t>(max_in_flight))
    Accept(AwaitReply("a push reply", [&](int rank) {
      return rank == roles_.RankOfServer(static_cast<int>(server));
    }));
}

/// Sends pulls and pushes that belong to no step, until no replica holds unsent gradients.
void Client::SettleReplicas() {
  constexpr size_t kKeysAtATime = 16384;
  Exchange exchange;
  exchange.clock = last_clock_;
  exchange.is_pull = true;
  exchange.selections.resize(tables_.size());
  for (size_t p = 0; p < replicas_.size(); ++p) {
    Replica::Selection& selection = exchange.selections[p];
    while (replicas_[p].enabled() && replicas_[p].SelectOwed(kKeysAtATime, &selection)) {
      exchange.asked.assign(tables_.size(), {});
      exchange.asked[p] = {selection.keys, true, selection.weights.data(), nullptr};
      Ask(net::FrameKind::kPull, &exchange);
      TakeReplies(&exchange);
      replicas_[p].Distribute(selection, nullptr);
      replicas_[p].Collect(nullptr, &selection);
      exchange.asked[p].gradients = selection.gradients.data();
      SendGradients(&exchange, 0, 0);
    }
  }
}

void Client::Drain() {
  SettleReplicas();
  for (size_t s = 0; s < traffic_.size(); ++s) AwaitPushRoom(s, 0);
}

void Client::Progress() {
  while (std::optional<net::Frame> frame =
             mailbox_->Take({net::FrameKind::kPullReply, net::FrameKind::kPushReply,
                             net::FrameKind::kLeaseReply})) {
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
  counts_.n_assigned_keys += static_cast<int64_t>(keys.size());
  int n_replies = 0;
  std::vector<uint64_t> ids(of_server.size());
  for (size_t s = 0; s < of_server.size(); ++s) {
    const std::vector<size_t>& own = of_server[s];
    if (own.empty()) continue;
    ids[s] = NewRequestTo(s);
    net::Frame frame(net::FrameKind::kAssign, ids[s], 0,
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
  while (n_replies-- > 0)
    AwaitOneOf(net::FrameKind::kAssignReply, "word that first values were taken", &ids);
}

void Client::SaveStart(const std::string& folder, SaveKind kind) {
  CHECK_EQ(save_.n_missing, 0);
  save_ = {};
  save_.files.resize(static_cast<size_t>(roles_.n_servers));
  save_.ids.resize(save_.files.size());
  for (int s = 0; s < roles_.n_servers; ++s) {
    SavedFile& file = save_.files[static_cast<size_t>(s)];
    const uint64_t id = save_.ids[static_cast<size_t>(s)] = NewRequestTo(static_cast<size_t>(s));
    file.name = "rows-" + std::to_string(s) + "-of-" + std::to_string(roles_.n_servers) + ".bin";
    mailbox_->Send(roles_.RankOfServer(s),
                   net::Frame(net::FrameKind::kSave, id, static_cast<uint64_t>(kind),
                              folder + "/" + file.name));
  }
  save_.n_missing = roles_.n_servers;
  std::vector<uint64_t> ids = save_.ids;
  for (int n = 0; n < roles_.n_servers; ++n)
    AwaitOneOf(net::FrameKind::kSaveCut, "word that a save has begun", &ids);
}

std::optional<std::vector<SavedFile>> Client::SaveFinish(bool wait) {
  while (!wait && save_.n_missing > 0) {
    const std::optional<net::Frame> frame = mailbox_->Take({net::FrameKind::kSaveReply});
    if (!frame) return {};
    const size_t server = SenderOf(*frame);
    if (save_.ids[server] == frame->header().request_id) {
      save_.ids[server] = 0;
      save_.Accept(server, *frame, mailbox_->Name(frame->source()));
    } else {
      DropLate(server, *frame, "answers request");
    }
  }
  while (save_.n_missing > 0) {
    const net::Frame frame =
        AwaitOneOf(net::FrameKind::kSaveReply, "word that its rows are saved", &save_.ids);
    save_.Accept(SenderOf(frame), frame, mailbox_->Name(frame.source()));
  }
  if (!save_.failure.empty()) throw FileError(save_.failure);
  return std::move(save_.files);
}

ServerReport Client::Report() {
  std::vector<uint64_t> ids;
  for (int s = 0; s < roles_.n_servers; ++s) {
    ids.push_back(NewRequestTo(static_cast<size_t>(s)));
    mailbox_->Send(roles_.RankOfServer(s), net::Frame(net::FrameKind::kReport, ids.back(), 0, 0));
  }
  ServerReport all;
  for (int n = 0; n < roles_.n_servers; ++n) {
    const net::Frame frame = AwaitOneOf(net::FrameKind::kReportReply, "its counts", &ids);
    const ServerReport report =
        FromRank(frame.source(), [&] { return ServerReport::Parse(frame.text()); });
    if (report.tables.size() != tables_.size())
      Fail(net::NameOf(frame), ": counts of ", report.tables.size(), " tables, expected ",
           tables_.size());
    const size_t n_max = tables_.size() * static_cast<size_t>(roles_.n_workers);
    if (report.non_finite.size() > n_max)
      Fail(net::NameOf(frame), ": ", report.non_finite.size(),
           " counts of non-finite gradients, expected at most ", n_max);
    all.Merge(report);
  }
  return all;
}

ClientCounts Client::counts() const {
  ClientCounts counts = counts_;
  counts.n_waiting = n_pulls_in_flight_ + static_cast<int64_t>(waiting_.size());
  int64_t least_room = std::numeric_limits<int64_t>::max();
  for (const Traffic& traffic : traffic_) {
    counts.n_waiting += static_cast<int64_t>(traffic.pushes.size());
    const int64_t room = traffic.bound_bytes() - traffic.peak_bytes;
    if (room >= least_room) continue;
    least_room = room;
    counts.peak_bytes = traffic.peak_bytes;
    counts.bound_bytes = traffic.bound_bytes();
  }
  return counts;
}

}  // namespace zhiyin::ps::client
