#include "launch/apps/serve/http_service.h"

#include <gmock/gmock.h>

#include <memory>
#include <utility>

#include "tests/support/raw_client.h"

namespace zhiyin::launch::apps {
namespace {

using ::testing::HasSubstr;

/// A large model takes long to free.
TEST(HttpService, AnswersWhileTheOldModelIsFreed) {
  int port = 0;
  testing::RawAnswer answer;
  // Stands for a model: no request is about it.
  std::shared_ptr<const ServedModel> old(static_cast<const ServedModel*>(nullptr),
                                         [&](const ServedModel*) {
                                           testing::RawClient client(port);
                                           client.Send("GET /healthz HTTP/1.1\r\n\r\n");
                                           answer = client.Read();
                                         });
  HttpService service({}, {std::move(old), "old", 1});
  port = service.port();
  service.Replace({nullptr, "new", 2});
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("\"new\""));
}

}  // namespace
}  // namespace zhiyin::launch::apps
