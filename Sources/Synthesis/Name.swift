/// Common given and family names of many origins; they are drawn independently and stand for nobody.
enum Name {
  static let female = words(
    """
    Aaliyah Adriana Aisha Alice Amara Amina Ana Angela Anh Anna Beatriz Camila Carmen Caroline Chloe Claire Clara Denise
    Diana Elena Elif Ella Emma Esther Eva Fatima Gabriela Grace Hana Hannah Helen Imani Ines Isabel Ivy Jasmine Jia
    Julia Kavya Keisha Laila Laura Leah Lin Lucia Maria Mei Mia Mina Naomi Nina Nora Olivia Paula Priya Rosa Ruth Sana
    Sara Sofia Tamara Teresa Valeria Vera Yara Yuki Zoe
    """)
  static let male = words(
    """
    Aaron Ahmed Alan Alejandro Amir Andre Andrew Anton Arjun Ben Carlos Chen Daniel Darius David Diego Dmitri Eduardo
    Elias Emil Ethan Felix Francisco Gabriel George Hassan Henry Hiro Hugo Ibrahim Isaac Ivan Jamal James Jan Javier
    Joel John Jorge Joseph Kenji Kevin Kwame Leo Liam Lucas Luis Malik Marco Mark Mateo Max Miguel Minh Nathan Nikhil
    Noah Omar Oscar Paul Pedro Rafael Ravi Samuel Simon Tariq Thomas Victor Wei William Yusuf
    """)
  static let family = words(
    """
    Abbott Adeyemi Ahmed Alvarez Andersen Baker Banerjee Bauer Bell Bianchi Brooks Campos Castillo Chang Chavez Chen
    Clark Cohen Costa Cruz Dang Diaz Dubois Edwards Eriksen Evans Fernandez Fischer Flores Foster Garcia Ghosh Gomez
    Grant Gray Green Gupta Hansen Harris Hassan Hayes Hernandez Hill Hoang Horvat Hughes Ibrahim Ito Ivanov Jackson
    James Jansen Johnson Jones Kaplan Kaya Kelly Khan Kim King Kowalski Kumar Lam Larsen Lee Lewis Lim Lopez Martin
    Mbeki Mehta Mendez Miller Mitchell Mohamed Moore Morales Murphy Mwangi Nakamura Nelson Nguyen Novak O'Neill Okafor
    Ortiz Owens Park Patel Perez Petrov Phillips Popov Powell Price Ramirez Reed Reyes Rivera Robinson Romero Rossi
    Russell Said Saito Sanchez Santos Sato Schmidt Shah Silva Singh Smith Sokolov Suzuki Tanaka Taylor Thomas Torres
    Tran Turner Vargas Vega Wagner Walker Wang Ward Weber White Wilson Wong Wood Wright Yamada Yilmaz Young Zhang
    """)
  static let streets = words(
    """
    Alder Aspen Birch Bridge Cedar Cherry Chestnut Church Clover Creek Dogwood Elm Fern Forest Garden Grove Harbor Hazel
    Hickory Highland Hill Holly Juniper Lake Laurel Linden Main Maple Meadow Mill Oak Orchard Park Pine Pleasant Poplar
    Prospect Ridge River School Spring Spruce Station Summit Sycamore Valley Walnut Willow
    """)
  static let streetKinds = words("Street Street Street Avenue Avenue Road Lane Drive Court Place")

  private static func words(_ text: String) -> [String] {
    text.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
  }
}
