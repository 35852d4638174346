#include "launch/apps/doctor/postbox.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "common/error.h"
#include "launch/apps/doctor/tcp_traffic.h"

namespace zhiyin::launch::apps {
namespace {

constexpr size_t kSmallBytes = sizeof(double);
constexpr size_t kLargeBytes = size_t{1} << 20;
constexpr int kSmallPings = 50;
constexpr int kLargePings = 8;
/// The longest time for the small pings, and for the large ones: a slow pair is measured by fewer
/// pings.
constexpr double kEnoughS = 0.25;

template <typename Message>
Message Parse(const net::Frame& frame) {
  Message message;
  const std::string_view bytes = frame.text();
  if (bytes.size() > std::numeric_limits<int>::max() ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    Fail(net::NameOf(frame), ": ", bytes.size(), " bytes that are none");
  }
  return message;
}

bool IsPositive(double x) {
  return std::isfinite(x) && x > 0;
}

void CheckPair(const PairFacts& pair, const net::Frame& frame) {
  if (!pair.answered()) return;
  if (!IsPositive(pair.latency_s()) || !IsPositive(pair.bytes_per_s()) ||
      !std::isfinite(pair.clock_offset_s()))
    Fail(net::NameOf(frame), ": a pair with a latency of ", pair.latency_s(),
         " s, expected positive numbers");
}

}  // namespace

Question ParseQuestion(const net::Frame& frame, int rank, int n_ranks) {
  if (frame.source() != 0) Fail(net::NameOf(frame), ": expected questions from rank 0 alone");
  Question question = Parse<Question>(frame);
  const std::string& token = question.output().token();  // it becomes part of a file's name
  if (token.size() > 64 || token.find_first_not_of("0123456789abcdef") != std::string::npos)
    Fail(net::NameOf(frame), ": a token that is no number");
  if (question.has_pair()) {
    const int peer = question.pair().peer();
    if (peer < 0 || peer >= n_ranks || peer == rank)
      Fail(net::NameOf(frame), ": rank ", peer, " as the peer of rank ", rank,
           ", expected another of ", n_ranks);
  }
  if (question.kind_case() == Question::KIND_NOT_SET)
    Fail(net::NameOf(frame), ": asks nothing that is known here");
  return question;
}

Answer ParseAnswer(const net::Frame& frame) {
  Answer answer = Parse<Answer>(frame);
  if (answer.has_pair()) CheckPair(answer.pair(), frame);
  if (answer.kind_case() == Answer::KIND_NOT_SET)
    Fail(net::NameOf(frame), ": says nothing that is known here");
  return answer;
}

double WallClock() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

void Postbox::Ask(int rank, const Question& question) {
  endpoint_->Send(rank, net::Frame(net::FrameKind::kQuestion, ++last_request_id_, 0,
                                   question.SerializeAsString()));
}

void Postbox::Tell(const Answer& answer) {
  endpoint_->Send(
      0, net::Frame(net::FrameKind::kAnswer, ++last_request_id_, 0, answer.SerializeAsString()));
}

std::optional<net::Frame> Postbox::Next(net::FrameKind kind, double deadline, bool or_alive) {
  const auto kept = std::find_if(kept_.begin(), kept_.end(),
                                 [&](const net::Frame& f) { return f.kind() == kind; });
  if (kept != kept_.end()) {
    net::Frame frame = std::move(*kept);
    kept_.erase(kept);
    return frame;
  }
  while (std::optional<net::Frame> frame = endpoint_->Receive(deadline)) {
    if (frame->kind() == kind) return frame;
    if (frame->kind() == net::FrameKind::kHeartbeat) {
      if (or_alive) return frame;
    } else if (frame->kind() == net::FrameKind::kPing) {
      AnswerPing(*frame);
    } else {
      kept_.push_back(std::move(*frame));
    }
  }
  return std::nullopt;
}

void Postbox::AnswerPing(const net::Frame& ping) {
  const std::span<const std::byte> payload = ping.payload();
  if (payload.size() < sizeof(double))
    Fail(net::NameOf(ping), ": ", payload.size(), " bytes, expected at least 8");
  net::Frame pong(net::FrameKind::kPong, ping.header().request_id, 0, payload.size());
  std::memcpy(pong.payload().data(), payload.data(), payload.size());
  const double now = wall_clock_();
  std::memcpy(pong.payload().data(), &now, sizeof(now));
  endpoint_->Send(ping.source(), std::move(pong));
}

std::optional<Postbox::RoundTrip> Postbox::Ping(int peer, size_t n_bytes, double deadline) {
  net::Frame ping(net::FrameKind::kPing, ++last_request_id_, 0, n_bytes);
  std::fill(ping.payload().begin(), ping.payload().end(), std::byte{1});
  const uint64_t id = last_request_id_;
  const double sent_wall = wall_clock_();
  const double sent = endpoint_->Now();
  endpoint_->Send(peer, std::move(ping));
  while (std::optional<net::Frame> pong = Next(net::FrameKind::kPong, deadline)) {
    // Late answers of earlier pings are ignored.
    if (pong->source() != peer || pong->header().request_id != id) continue;
    if (pong->payload().size() != n_bytes)
      Fail(net::NameOf(*pong), ": ", pong->payload().size(), " bytes, expected ", n_bytes);
    const double seconds = endpoint_->Now() - sent;
    double peer_wall = 0;
    std::memcpy(&peer_wall, pong->payload().data(), sizeof(peer_wall));
    // Cristian, 1989: the peer read its clock in the middle of the round trip, give or take half of
    // it.
    return RoundTrip{seconds, peer_wall - (sent_wall + seconds / 2)};
  }
  return std::nullopt;
}

PairFacts Postbox::MeasurePair(int peer, double limit_s) {
  PairFacts pair;
  const double deadline = endpoint_->Now() + limit_s;
  // The first ping makes the connection and is not measured.
  if (!Ping(peer, kSmallBytes, deadline)) return pair;
  double shortest = std::numeric_limits<double>::infinity();
  const double small_until = endpoint_->Now() + kEnoughS;
  for (int i = 0; i < kSmallPings && (i == 0 || endpoint_->Now() < small_until); ++i) {
    const std::optional<RoundTrip> trip = Ping(peer, kSmallBytes, deadline);
    if (!trip) return pair;
    if (trip->seconds >= shortest) continue;
    shortest = trip->seconds;
    pair.set_clock_offset_s(trip->clock_offset_s);
  }
  const std::map<int, TcpSocket> before = TcpTraffic();
  double shortest_large = std::numeric_limits<double>::infinity();
  const double large_until = endpoint_->Now() + kEnoughS;
  for (int i = 0; i < kLargePings && (i == 0 || endpoint_->Now() < large_until); ++i) {
    const std::optional<RoundTrip> trip = Ping(peer, kLargeBytes, deadline);
    if (!trip) return pair;
    shortest_large = std::min(shortest_large, trip->seconds);
    pair.set_sent_bytes(pair.sent_bytes() + static_cast<int64_t>(kLargeBytes));
  }
  int64_t most = 0;
  for (const auto& [fd, socket] : TcpTraffic()) {
    const auto earlier = before.find(fd);
    const int64_t sent =
        socket.sent_bytes - (earlier == before.end() ? 0 : earlier->second.sent_bytes);
    pair.set_tcp_bytes(pair.tcp_bytes() + sent);
    if (sent <= most) continue;
    most = sent;
    pair.set_tcp_address(socket.own_address);
  }
  pair.set_latency_s(std::max(shortest / 2, 1e-9));
  pair.set_bytes_per_s(2.0 * static_cast<double>(kLargeBytes) / std::max(shortest_large, 1e-9));
  pair.set_answered(true);
  return pair;
}

}  // namespace zhiyin::launch::apps
