#include "common/net/sim_options.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <vector>

#include "common/error.h"

namespace zhiyin::net {
namespace {

using ::testing::HasSubstr;

TEST(SimOptions, WhatIsPrintedCanBePastedBack) {
  EXPECT_EQ(ParseSimOptions("", 1), SimOptions());
  for (const char* text :
       {"delay=uniform:1us:100us,work=1us", "delay=exp:50us,work=1ns",
        "delay=heavy:1500ns,work=20us,queue=8", "delay=exp:0s,work=1us,queue=65536B",
        "delay=exp:50us,work=1us,slow=3:8,slow=1:2.5,pause=2@500ms+1s,crash=4@2s,down=0-3@1ms+"
        "7us"}) {
    const SimOptions options = ParseSimOptions(text, 5);
    EXPECT_EQ(options.ToText(), text);
    EXPECT_EQ(ParseSimOptions(options.ToText(), 5), options);
  }
  EXPECT_EQ(ParseSimOptions("pause=2@0.5s+1000ms,queue=64KiB", 3).ToText(),
            "delay=uniform:1us:100us,work=1us,queue=65536B,pause=2@500ms+1s");
}

std::string RefusedOptions(const char* text) {
  try {
    ParseSimOptions(text, 5);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(SimOptions, ARefusalNamesThePartAndWhatWasExpected) {
  EXPECT_EQ(RefusedOptions("queue=8,slow=3"),
            "--network: slow=3: expected slow=RANK:FACTOR, at least 1, such as slow=3:8");
  EXPECT_EQ(RefusedOptions("crash=5@1s"), "--network: crash=5@1s: rank 5, expected 0 to 4");
  EXPECT_EQ(RefusedOptions("crash=-1@1s"), "--network: crash=-1@1s: rank -1, expected 0 to 4");
  EXPECT_THAT(RefusedOptions("dellay=exp:1us"),
              HasSubstr("--network: dellay: no such option; the nearest is \"delay\""));
  EXPECT_THAT(RefusedOptions("delay"), HasSubstr("--network: delay: expected NAME=VALUE"));
  EXPECT_THAT(RefusedOptions("=8"), HasSubstr("known are delay, work"));
  EXPECT_EQ(RefusedOptions("queue=8,"), "") << "a comma at the end is no part";
  for (const char* text : {"delay=",
                           "delay=exp:",
                           "delay=exp:1",
                           "delay=exp:us",
                           "delay=exp:-1us",
                           "delay=exp:1e99s",
                           "delay=exp:nans",
                           "slow=1:2,slow=1:3",
                           "delay=uniform:2us:1us",
                           "delay=uniform:2us",
                           "work=0us",
                           "work=",
                           "queue=0",
                           "queue=0B",
                           "queue=1.5",
                           "queue=-1",
                           "queue=8GiB",
                           "slow=1:0.5",
                           "slow=1:inf",
                           "slow=x:2",
                           "slow=1:",
                           "pause=1@2s",
                           "pause=1@+1s",
                           "crash=1",
                           "down=1@2s+1s",
                           "down=1-1@2s+1s",
                           ",",
                           "delay=exp:1us1"}) {
    EXPECT_THAT(RefusedOptions(text), HasSubstr("--network: ")) << text;
    EXPECT_THAT(RefusedOptions(text), HasSubstr("expected")) << text;
  }
}

/// The share of draws above so many seconds.
double ShareAbove(const char* text, double seconds) {
  const SimOptions options = ParseSimOptions(text, 1);
  Random random(1);
  int n = 0;
  for (int i = 0; i < 100000; ++i) n += options.delay.Draw(&random) > seconds;
  return n / 100000.0;
}

TEST(SimOptions, DelaysAreDistributedAsTheySay) {
  EXPECT_EQ(ShareAbove("delay=uniform:1ms:3ms", 0.999e-3), 1);
  EXPECT_EQ(ShareAbove("delay=uniform:1ms:3ms", 3.001e-3), 0);
  EXPECT_NEAR(ShareAbove("delay=uniform:1ms:3ms", 2e-3), 0.5, 0.01);
  EXPECT_NEAR(ShareAbove("delay=exp:1ms", 1e-3), 0.3679, 0.01) << "1 / e";
  EXPECT_NEAR(ShareAbove("delay=exp:1ms", 3e-3), 0.0498, 0.005);
  EXPECT_EQ(ShareAbove("delay=heavy:1ms", 0.999e-3), 1);
  EXPECT_NEAR(ShareAbove("delay=heavy:1ms", 10e-3), 0.0794, 0.005) << "10 to the power of -1.1";
  EXPECT_EQ(ShareAbove("delay=heavy:1ms", 1.001), 0) << "at most a thousand times the least";
}

}  // namespace
}  // namespace zhiyin::net
