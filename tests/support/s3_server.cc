#include "tests/support/s3_server.h"

#include <chrono>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "tests/support/files.h"
#include "worker/data/format/arrow_library.h"

namespace zhiyin::testing {

S3Server::S3Server(const std::string& folder) {
  const worker::data::ArrowLibrary library = worker::data::LoadArrowLibrary();
  if (library.plugin == nullptr) {
    trouble_ = library.trouble;
    return;
  }
  if (RunProcess({"python3", "--version"}, 30).exit_code != 0) {
    trouble_ = "there is no python3";
    return;
  }
  // The environment is where credentials are looked for first.
  setenv("AWS_ACCESS_KEY_ID", "test", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "test", 1);
  setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
  process_ = std::make_unique<BackgroundProcess>(
      std::vector<std::string>{"python3", SourcePath("tests/support/s3_server.py"), folder});
  for (int i = 0; i < 1000 && options_.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const std::string out = process_->Out();
    if (const size_t n = out.find('\n'); n != out.npos)
      options_ =
          "?endpoint_override=127.0.0.1:" + out.substr(0, n) + "&scheme=http&region=us-east-1";
  }
  if (options_.empty()) trouble_ = "the server does not start";
}

S3Server::~S3Server() = default;

std::vector<std::string> S3Server::Requests() const {
  std::istringstream out(process_->Out());
  std::vector<std::string> requests;
  for (std::string line; std::getline(out, line);) requests.push_back(line);
  requests.erase(requests.begin());  // the port
  return requests;
}

}  // namespace zhiyin::testing
