#include "common/net/frame.h"

#include <gmock/gmock.h>

#include "common/error.h"

namespace zhiyin::net {
namespace {

using ::testing::HasSubstr;

/// What Arrived says of a frame whose bytes were changed by `damage`.
std::string ErrorAfter(const std::function<void(FrameHeader*)>& damage) {
  Frame frame(FrameKind::kPull, 7, 3, "payload");
  damage(reinterpret_cast<FrameHeader*>(frame.bytes().data()));
  try {
    frame.Arrived(5);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Frame, ArrivesAsItWasSent) {
  Frame sent(FrameKind::kPull, 7, 3, "payload");
  Frame received = Frame::ForReceiving(sent.bytes().size());
  std::memcpy(received.bytes().data(), sent.bytes().data(), sent.bytes().size());
  received.Arrived(5);
  EXPECT_EQ(received.kind(), FrameKind::kPull);
  EXPECT_EQ(received.header().request_id, 7u);
  EXPECT_EQ(received.header().clock, 3u);
  EXPECT_EQ(received.text(), "payload");
  EXPECT_EQ(received.source(), 5);
}

TEST(Frame, AnEmptyPayloadIsFine) {
  Frame frame(FrameKind::kHeartbeat, 0, 0, 0);
  frame.Arrived(1);
  EXPECT_EQ(frame.text(), "");
}

TEST(Frame, RefusesWhatIsNoFrame) {
  EXPECT_EQ(ErrorAfter([](FrameHeader*) {}), "");
  EXPECT_THAT(ErrorAfter([](FrameHeader* h) { h->magic = 1; }),
              HasSubstr("message from rank 5: begins with 1"));
  EXPECT_THAT(ErrorAfter([](FrameHeader* h) { h->version = 9; }),
              HasSubstr("protocol version 9, expected 1"));
  EXPECT_THAT(ErrorAfter([](FrameHeader* h) { h->kind = static_cast<FrameKind>(999); }),
              HasSubstr("unknown kind 999"));
  EXPECT_THAT(ErrorAfter([](FrameHeader* h) { h->payload_bytes = 8; }),
              HasSubstr("pull announces 8 bytes, but 7 came"));
}

TEST(Frame, WhatTellsOfDifferentBuildsIsUnderstoodByAll) {
  for (const FrameKind kind : {FrameKind::kHandshake, FrameKind::kAbort, FrameKind::kStop}) {
    EXPECT_EQ(ErrorAfter([&](FrameHeader* h) {
                h->kind = kind;
                h->version = 9;
              }),
              "")
        << NameOf(kind);
  }
}

TEST(Frame, EveryKindHasAName) {
  for (int kind = static_cast<int>(FrameKind::kHandshake);
       kind <= static_cast<int>(FrameKind::kGoodbye); ++kind) {
    EXPECT_NE(NameOf(static_cast<FrameKind>(kind)), "") << kind;
  }
}

}  // namespace
}  // namespace zhiyin::net
