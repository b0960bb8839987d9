// Names that resolve to what a test says, one answer after the other: a name server that has been taken over.
//
// This program's getaddrinfo() stands before the system's, for libcurl as for everybody, and asks nobody else: what is
// neither numeric nor known here has no address.
#pragma once

#include <string>
#include <vector>

namespace sennit::testing {

/// The addresses of one answer, numeric.
using Answer = std::vector<std::string>;

/// A name for the length of a test. The last answer repeats.
class FakeName {
 public:
  FakeName(std::string name, std::vector<Answer> answers);
  ~FakeName();
  FakeName(const FakeName&) = delete;
  FakeName& operator=(const FakeName&) = delete;
  /// How often it was asked for.
  [[nodiscard]] std::size_t asked() const;

 private:
  std::string name_;
};

}  // namespace sennit::testing
