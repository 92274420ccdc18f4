//! The address of a database, as libpq and its like read it: `key='value'` pairs.

use lakegate_core::edge::{Login, Server};
use lakegate_core::secret::Secret;

/// The address with the password in it.
///
/// `require` is as strict as it gets under Spin: chain and name are verified. It knows no
/// `verify-full`.
pub(super) fn of(server: &Server, login: &Login) -> Secret {
    let Server { host, port, plaintext } = server;
    let port = port.to_string();
    let sslmode = if *plaintext { "disable" } else { "require" };
    let pairs = [
        ("host", host.as_str()),
        ("port", &port),
        ("dbname", &login.database),
        ("user", &login.user),
        ("password", login.password.expose()),
        ("sslmode", sslmode),
        ("connect_timeout", "10"),
        ("application_name", "lakegate"),
    ];
    // Room for a token: a text that grows leaves copies behind.
    let mut address = String::with_capacity(4096);
    for (key, value) in pairs {
        address.push_str(key);
        address.push_str("='");
        for character in value.chars() {
            if matches!(character, '\\' | '\'') {
                address.push('\\');
            }
            address.push(character);
        }
        address.push_str("' ");
    }
    Secret::new(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(user: &str, password: &str, plaintext: bool, expected: &str) {
        let server = Server { host: "h.example".into(), port: 5432, plaintext };
        let (user, password) = (user.to_owned(), Secret::new(password));
        let login = Login { user, password, database: "d".into() };
        assert_eq!(of(&server, &login).expose(), expected);
    }

    #[test]
    fn nothing_in_a_value_can_end_it() {
        for (value, quoted) in [
            ("plain", "plain"),
            ("", ""),
            ("a b", "a b"),
            ("it's", r"it\'s"),
            (r"back\slash", r"back\\slash"),
            (r"\'", r"\\\'"),
            ("x' host='evil.example", r"x\' host=\'evil.example"),
            ("x' sslmode='disable", r"x\' sslmode=\'disable"),
            (r"ends\", r"ends\\"),
            ("a=b\nc\td", "a=b\nc\td"),
            ("пароль🔑", "пароль🔑"),
        ] {
            check(
                value,
                value,
                false,
                &format!(
                    "host='h.example' port='5432' dbname='d' user='{quoted}' password='{quoted}' \
                     sslmode='require' connect_timeout='10' application_name='lakegate' "
                ),
            );
        }
    }

    #[test]
    fn plaintext_is_only_what_the_core_allows() {
        let address = "host='h.example' port='5432' dbname='d' user='u' password='p' \
                       sslmode='disable' connect_timeout='10' application_name='lakegate' ";
        check("u", "p", true, address);
    }
}
