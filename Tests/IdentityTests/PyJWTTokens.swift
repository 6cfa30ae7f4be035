/// Keys and tokens that PyJWT 2.15 (python3-cryptography) made: another implementation of everything here.
enum PyJWTTokens {
  /// The public keys, as PyJWT writes them.
  static let keys = #"""
    {"keys":[
    {"kty":"RSA","n":"xLOS-g69BrG99skh0zIS-4RzEivaMhtTww5ML7ShnIiTFMVcCxUcGl_CwP8wJ-ueYEfxIW_0ZsF7pnG755lt-tTizmVVB7ruJjSfc3HcOzBeMtOdQbjnHy-CXO-E5FIhExrWIjJC6Tp3PGUUEM4Xqiue1XW6ZXEIsc8yNv6EHtd1yYU1dZ9fkpBz0HZB1WrJJzqF_H0dIHU6ZM0ky7F1bZ0a1oxE212DKGC1UVpyJQPHPwgHbrrvKcHAbiZqlxojk0FdriH472uPStmC-urOCfHCQPuCpGMZMFwGKhJQQQICo5CoGDT2wcyBTqsheqAPIkgMs-No7YdouLi2Y_w2iQ","e":"AQAB","kid":"rsa"},
    {"kty":"EC","crv":"P-256","x":"pSc0zQJO8AAdchYYv2MGv3UQxOeLfMJ9x5mEUJuT-yI","y":"aqQNrv195vHr8-Ffh4CeXHPGPyVgmZsJNP5nj-zE0Nk","kid":"p256"},
    {"kty":"EC","crv":"P-384","x":"5NzwAPlYSBekADuij90xgK9x7xJTljgW23WrxfYLWeNakiQ5jGGNU7mEgkiMLW-0","y":"fMlOjf3mRSE51MxLxz5TRdmu7mPm3bxoEa3_ttS2KUbX2WMnTupKQzN8bCyPATxN","kid":"p384"},
    {"x":"z9LbNKaIO8ctyAkPQ-mN50zbPvgXMPOk_zCeX0PIv08","kty":"OKP","crv":"Ed25519","kid":"ed"}
    ]}
    """#

  /// A token of each algorithm. All claim the same; they end with the year 2099.
  static let tokens: [(algorithm: String, token: String)] = [
    (
      "RS256",
      "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3B5LmV4YW1wbGUiLCJhdWQ"
        + "iOiJodHRwczovL2ZoaXIuZXhhbXBsZSIsInN1YiI6InNcdTAwZjgiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDA"
        + "wMCwic2NvcGUiOiJwYXRpZW50LyoucnMgb3BlbmlkIiwicGF0aWVudCI6InAxIn0.pkByl9DeF-rws-7hdCzY4PYhKxX-mFx"
        + "cusBdDVMnZaaXyNuzy-9NTRwtystFI-HkDpzSMkui9j3e5dqvNzNlxpiGo9LKcCMDywM8JKOLW0l4C1IE87fB7LFXtMEk5DU"
        + "dI295m55Dnb5-wqvAK1smeHfKXeFtQ4o5Vbh2ynNA0ja9t4KErw_4Mc3a5JwSKAnWV1R5WYVkcbUstcCmGWtxKg8pYUl3lTX"
        + "FN3JudMAbEYsx8qTg1wuYd4LIy9Mc-UUm2oWItLCDLejhE24gJ7Nv6F_NYMXzhvfdmapFK7LMI3BlyQjCOJaXfYSsTAabRZo"
        + "uJ03a707m1mfaBcCY3dKCDg"
    ),
    (
      "RS384",
      "eyJhbGciOiJSUzM4NCIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3B5LmV4YW1wbGUiLCJhdWQ"
        + "iOiJodHRwczovL2ZoaXIuZXhhbXBsZSIsInN1YiI6InNcdTAwZjgiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDA"
        + "wMCwic2NvcGUiOiJwYXRpZW50LyoucnMgb3BlbmlkIiwicGF0aWVudCI6InAxIn0.sNq38RuMU90GYcBxkRr0symbMdNVVJ-"
        + "FZMRFFZLHZ3Mx79vUq0_zN8Q2BpzRca5xbjojJe4-X2LuTgim1EXeBQfht-QHTZRMcWF1nbaeAJ8b4DiHuYIKx45avczrAQi"
        + "JUKqtTY3FPNQRupyZ8JuQV-rQTgRv6ghSviPcaC4MfwkOCu9GPPbUlnfbaLtvwAGQ5r8kucjtddlLT8VFFjhWstko8h9drJJ"
        + "pyEbhXSRFACqw5D6NgmwVxdbEUo8b5tXV6I2JVn8eJFJaonIeiDpSmcbaliG05PH4Yir4NPwFEHCMxf9iIH0-RHOYCUIF11r"
        + "9nCbO7bdkoMKGhuOmcs1G6A"
    ),
    (
      "RS512",
      "eyJhbGciOiJSUzUxMiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3B5LmV4YW1wbGUiLCJhdWQ"
        + "iOiJodHRwczovL2ZoaXIuZXhhbXBsZSIsInN1YiI6InNcdTAwZjgiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDA"
        + "wMCwic2NvcGUiOiJwYXRpZW50LyoucnMgb3BlbmlkIiwicGF0aWVudCI6InAxIn0.U5ph6fhMvChx_gOSeeixTAxBjfJvfrV"
        + "hnyl3DA-Dhg1RGfk9je_l2s361Vc7w1qr8U7QyB29aH5wAV77cGJgRzRbUXrw7Kery46gp8U91cH5Z2z1fIPgnItPOOa2LzA"
        + "00Yvg1eMa_nUvxLiMQwmQbQB_FTewsoj2nNUVwVqy1o0mUA0ahk08nFSDjwJG2RhzH-pdBlPQHC-6Wimuu-lwX_l7QORq2eZ"
        + "RetQ2BYDQ3a1bB3xUH1-7FJriVkHMzDis75LQ4fjaxsn9vAncHrxnlvZggjGee7BS-zFUFG4ak5yWAHSlGH0AZdLePKuqHRU"
        + "zRQja9ZnfzljVUfd7SaIAtg"
    ),
    (
      "PS256",
      "eyJhbGciOiJQUzI1NiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3B5LmV4YW1wbGUiLCJhdWQ"
        + "iOiJodHRwczovL2ZoaXIuZXhhbXBsZSIsInN1YiI6InNcdTAwZjgiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDA"
        + "wMCwic2NvcGUiOiJwYXRpZW50LyoucnMgb3BlbmlkIiwicGF0aWVudCI6InAxIn0.WF1yz2VE0WTH0N8arcZ2RLYTDgj-hg4"
        + "NqituIsOgKXPOKR_NluGnEFVQAb7oFmThxaL5zBwa6gQp5KJKewF1qcH3cZKYcDrY_8SviPPMoX4i-_Wo4VJhD2xMSX-P5sW"
        + "zEHwwzfl8v8U90mUIN6CW6cNuXxbdJ-HvFdwG0YMtFAK91YhcMNuHtPsHrnDTj4ImM37Pq6vk7xnY88_HRTsbmPA_hGflbiY"
        + "qK85DQ3s2icTwc0XFlaIIiYbnTt8jElyBeS82JTgPjc9LVkwLBHyXho7opvgGumucWROuiAdxmhCAYhv2i9gLGoVpD4BZPcw"
        + "OgWC_J7mKfQf6W2grzN9N1w"
    ),
    (
      "PS384",
      "eyJhbGciOiJQUzM4NCIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3B5LmV4YW1wbGUiLCJhdWQ"
        + "iOiJodHRwczovL2ZoaXIuZXhhbXBsZSIsInN1YiI6InNcdTAwZjgiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDA"
        + "wMCwic2NvcGUiOiJwYXRpZW50LyoucnMgb3BlbmlkIiwicGF0aWVudCI6InAxIn0.l5pkYpBKdtjGoQ2zEnjXVc3lSPU0Goa"
        + "HqSV--YKW5LeOI5LcBMd3IznRfUb94rSXwYpbKXm31iJJPu5q4A17n6YMEWT4kh_0Jm2sGzsyLwbujlm3cQUA7lZ91UZvQpS"
        + "_UB1qZxzCDxbq1P9xYGP4YKsINL4n5N65kRcT9BXcxeCyteXd8jedEzZAzVKaOhoPHSa_G-OBl1QTsjnMUJmVIrLkGax3ThP"
        + "cpXapNR1frBvc9YrO-A2V1ldGDT2q7ZEHIBtdE5fIVLqV3tKNUzdmKsfnSvsPMW9ObJvsPrgL71rbtRF8eku15dBxGpHwwtX"
        + "64EwFuxQ5hd-OCvKupDTifA"
    ),
    (
      "PS512",
      "eyJhbGciOiJQUzUxMiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL3B5LmV4YW1wbGUiLCJhdWQ"
        + "iOiJodHRwczovL2ZoaXIuZXhhbXBsZSIsInN1YiI6InNcdTAwZjgiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDA"
        + "wMCwic2NvcGUiOiJwYXRpZW50LyoucnMgb3BlbmlkIiwicGF0aWVudCI6InAxIn0.NG7isB1L3vmfPbpGPrQuIdCIDMfktcZ"
        + "ln8rLbEtno99HHEhGTanPpyJqGCuwpX5-bdnjKDgpgK6PAXIqjVqNP0mmPm8ojgWxbvqrVbQ_ZGgeib6Apu-3FEcvCohBXNl"
        + "-w4tTkU2rrqQ939jxRNTX7L8258X-zdNL_thXj8U4ubGTnJgwxvo9O0_tfheS-klokm590TniFylz-DpFQc0fWQKbSSR0794"
        + "YbIbaWhMAlC0xJwUGY9scXKLJgj_wMMXAVHw8ZhqYSRYay7kBYfr-9rKsrb7Ex3DyeyjrSkOLotlujDFdnXONYHTweC494Fd"
        + "Pp2eRQN9hTHjQHiK6W3dRYA"
    ),
    (
      "ES256",
      "eyJhbGciOiJFUzI1NiIsImtpZCI6InAyNTYiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL3B5LmV4YW1wbGUiLCJhd"
        + "WQiOiJodHRwczovL2ZoaXIuZXhhbXBsZSIsInN1YiI6InNcdTAwZjgiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwM"
        + "DAwMCwic2NvcGUiOiJwYXRpZW50LyoucnMgb3BlbmlkIiwicGF0aWVudCI6InAxIn0.SLZ7PAwa1xv7qU3y4DzNUMPCW9U84"
        + "JNkDJhZaGvCgoCQy3WaHmLgCVQOiI7lPUTR0Gh6GQyDgjhYEJ_lfd9M8w"
    ),
    (
      "ES384",
      "eyJhbGciOiJFUzM4NCIsImtpZCI6InAzODQiLCJ0eXAiOiJKV1QifQ.eyJpc3MiOiJodHRwczovL3B5LmV4YW1wbGUiLCJhd"
        + "WQiOiJodHRwczovL2ZoaXIuZXhhbXBsZSIsInN1YiI6InNcdTAwZjgiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwM"
        + "DAwMCwic2NvcGUiOiJwYXRpZW50LyoucnMgb3BlbmlkIiwicGF0aWVudCI6InAxIn0.5Z7ru3fX4tOx5g7I-eCHaRhwbYIqP"
        + "j00V_3jAZCuC1XIspF6LaoxBUoD9q-taB5qcj1U8mZ4iHCnuBJF1oK0uma1diZ3opvKRiHSL9oreD5ODIY1fBx_eQ8HfwLDk"
        + "SNe"
    ),
    (
      "EdDSA",
      "eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL3B5LmV4YW1wbGUiLCJhdWQi"
        + "OiJodHRwczovL2ZoaXIuZXhhbXBsZSIsInN1YiI6InNcdTAwZjgiLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAw"
        + "MCwic2NvcGUiOiJwYXRpZW50LyoucnMgb3BlbmlkIiwicGF0aWVudCI6InAxIn0.viC92oGBGFqi1eOQo8fxgvel0lHXm7Af"
        + "MzwWdp4Ny7btl9j3_hHJgnybhqXspqEvcfa_4UycnPVBcGMaFmZUBQ"
    ),
  ]
}
