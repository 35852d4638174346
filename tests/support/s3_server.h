// A server on this host that is S3 to those who read.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"

namespace zhiyin::testing {

/// Serves the folders in a folder as buckets (s3_server.py), and gives this process credentials for
/// it. There is none where python3 or the plugin for s3:// is missing.
class S3Server {
 public:
  explicit S3Server(const std::string& folder);
  ~S3Server();

  /// Why there is no server; empty where there is one.
  const std::string& trouble() const { return trouble_; }
  /// The URL of "bucket/a/b".
  std::string Url(const std::string& path) const { return "s3://" + path + options_; }
  const std::string& options() const { return options_; }  // "?..."
  /// The requests so far: "GET bucket/key bytes=0-99 -> 206".
  std::vector<std::string> Requests() const;

 private:
  std::string trouble_;
  std::string options_;
  std::unique_ptr<BackgroundProcess> process_;
};

}  // namespace zhiyin::testing
